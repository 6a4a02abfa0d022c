//! Recurrent layers.

use super::grower::{Domain, Grower, Value};
use super::writer::{int, text};

impl Grower {
    /// A layer over a sequence `[steps, sequences, numbers]`, with all of its states as the result.
    pub fn recurrent(&mut self, x: &Value) -> Option<Value> {
        let &[steps, batch, inputs] = &x.shape[..] else { return None };
        let x = self.within(x, Domain::Within(2.0));
        let (op, gates) = self.random.pick(&[("RNN", 1), ("GRU", 3), ("LSTM", 4)]);
        // tract, which is asked for what is right, runs a layer with the direction `reverse` alone forwards.
        let direction = self.random.pick(&["forward", "bidirectional"]);
        let directions = if direction == "bidirectional" { 2 } else { 1 };
        let size = self.random.between(1, 5);
        let shape = [steps, directions, batch, size];
        if !self.fits(&shape) {
            return None;
        }
        let w = self.weights(&[directions, gates * size, inputs], 1.0, 1);
        let r = self.weights(&[directions, gates * size, size], 0.6, 1);
        let mut operands = vec![x.name.clone(), w, r];
        if self.random.chance(0.7) {
            operands.push(self.weights(&[directions, 2 * gates * size], 0.5, 1));
            if self.random.chance(0.5) {
                operands.push(String::new());
                operands.push(self.weights(&[directions, batch, size], 0.5, 2));
            }
        }
        let mut attributes = vec![int("hidden_size", size as i64), text("direction", direction)];
        if op == "GRU" && self.random.chance(0.5) {
            attributes.push(int("linear_before_reset", 1));
        }
        let names: Vec<&str> = operands.iter().map(String::as_str).collect();
        Some(self.apply(op, &names, attributes, &shape, 1.0))
    }
}
