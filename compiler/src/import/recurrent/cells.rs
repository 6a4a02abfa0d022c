//! What each kind of layer does at a step, as ONNX's text has it.

use tract_onnx::pb::AttributeProto;

use super::super::refusal::Refusal;
use super::super::spelling::Spelling;
use super::super::steps;
use super::Direction;

impl Direction {
    /// `H' = f(X W + H R + b)`.
    pub fn rnn(&self, s: &mut Spelling<'_>, initial: Option<String>) -> Result<String, Refusal> {
        let h = self.states(s, initial);
        let gate = self.gate(s, &h, 0, 1);
        let next = self.function(s, 0, &gate)?;
        Ok(self.carry(s, &next, &h))
    }

    /// `z = f(..)`, `r = f(..)`, `h = g(X W + (r H) R + b)`, and `H' = (1 - z) h + z H`; or with `r (H R + b')` in the place of `(r H) R`.
    pub fn gru(&self, s: &mut Spelling<'_>, initial: Option<String>, linear_first: bool) -> Result<String, Refusal> {
        let h = self.states(s, initial);
        let z = self.gate(s, &h, 0, 3);
        let z = self.function(s, 0, &z)?;
        let r = self.gate(s, &h, 1, 3);
        let r = self.function(s, 0, &r)?;
        let hidden = match linear_first {
            true => {
                let (x, own) = (self.sequence(s, 2), self.recurrent(s, &h, 2));
                let [x, own] = [(x, 2), (own, 5)].map(|(sum, bias)| self.biased(s, sum, bias));
                let own = s.put("Mul", &[&r, &own]);
                s.put("Add", &[&x, &own])
            }
            false => {
                let reset = s.put("Mul", &[&r, &h]);
                self.gate(s, &reset, 2, 3)
            }
        };
        let hidden = self.function(s, 1, &hidden)?;
        let back = s.put("Sub", &[&h, &hidden]);
        let kept = s.put("Mul", &[&z, &back]);
        let next = s.put("Add", &[&hidden, &kept]);
        Ok(self.carry(s, &next, &h))
    }

    /// `i = f(.. + P C)`, `f = f(.. + P C)` or `1 - i`, `c = g(..)`, `C' = f C + i c`, `o = f(.. + P C')` and `H' = o h(C')`.
    pub fn lstm(
        &self,
        s: &mut Spelling<'_>,
        h: Option<String>,
        c: Option<String>,
        peepholes: Option<&str>,
        coupled: bool,
    ) -> Result<(String, String), Refusal> {
        let (h, c) = (self.states(s, h), self.states(s, c));
        let peeped = |s: &mut Spelling<'_>, gate: String, cell: &str, which: i64| match peepholes {
            None => gate,
            Some(peepholes) => {
                let weights = s.entry(peepholes, which);
                let seen = s.put("Mul", &[cell, &weights]);
                s.put("Add", &[&gate, &seen])
            }
        };
        let input = self.gate(s, &h, 0, 4);
        let input = peeped(s, input, &c, 0);
        let input = self.function(s, 0, &input)?;
        let forget = match coupled {
            true => {
                let one = s.float(1.0);
                s.put("Sub", &[&one, &input])
            }
            false => {
                let forget = self.gate(s, &h, 2, 4);
                let forget = peeped(s, forget, &c, 2);
                self.function(s, 0, &forget)?
            }
        };
        let fresh = self.gate(s, &h, 3, 4);
        let fresh = self.function(s, 1, &fresh)?;
        let [kept, added] = [s.put("Mul", &[&forget, &c]), s.put("Mul", &[&input, &fresh])];
        let cell = s.put("Add", &[&kept, &added]);
        let after = self.carry(s, &cell, &c);
        let output = self.gate(s, &h, 1, 4);
        let output = peeped(s, output, &after, 1);
        let output = self.function(s, 0, &output)?;
        let shown = self.function(s, 2, &after)?;
        let next = s.put("Mul", &[&output, &shown]);
        Ok((self.carry(s, &next, &h), after))
    }

    /// The states before each step.
    fn states(&self, s: &mut Spelling<'_>, initial: Option<String>) -> String {
        let size = s.entry_at(&self.r, 0, 1);
        let operands: Vec<&str> = [&*self.x, &*size].into_iter().chain(initial.as_deref()).collect();
        s.put(steps::STATES, &operands)
    }

    /// The states after each step: those before it where the sequence has ended.
    fn carry(&self, s: &mut Spelling<'_>, next: &str, states: &str) -> String {
        match &self.within {
            None => s.put(steps::CARRY, &[next, states]),
            Some(within) => {
                let next = s.put("Where", &[within, next, states]);
                s.put(steps::CARRY, &[&next, states])
            }
        }
    }

    /// `X W + H R + b` of a gate.
    fn gate(&self, s: &mut Spelling<'_>, h: &str, gate: i64, gates: i64) -> String {
        let (x, own) = (self.sequence(s, gate), self.recurrent(s, h, gate));
        let sum = s.put("Add", &[&x, &own]);
        match &self.b {
            None => sum,
            // One constant: half of it may be 0 where an exporter has no second bias, and would be seen to be, which no audit sees.
            Some(b) => {
                let [own, other] = [gate, gates + gate].map(|bias| s.entry(b, bias));
                let both = s.put("Add", &[&own, &other]);
                s.put("Add", &[&sum, &both])
            }
        }
    }

    fn sequence(&self, s: &mut Spelling<'_>, gate: i64) -> String {
        let w = s.entry_at(&self.w, gate, 1);
        s.put("MatMul", &[&self.x, &w])
    }

    fn recurrent(&self, s: &mut Spelling<'_>, h: &str, gate: i64) -> String {
        let r = s.entry_at(&self.r, gate, 1);
        s.put("MatMul", &[h, &r])
    }

    fn biased(&self, s: &mut Spelling<'_>, sum: String, bias: i64) -> String {
        match &self.b {
            None => sum,
            Some(b) => {
                let bias = s.entry(b, bias);
                s.put("Add", &[&sum, &bias])
            }
        }
    }

    /// One of the direction's functions, of what is clipped.
    fn function(&self, s: &mut Spelling<'_>, which: usize, x: &str) -> Result<String, Refusal> {
        let function = self.functions.get(which).ok_or(Refusal::Missing("an activation is missing"))?;
        let clipped = match self.clip {
            None => x.to_owned(),
            Some(clip) if self.opset < 11 => {
                let clipped = s.put("Clip", &[x]);
                for (name, f) in [("min", -clip), ("max", clip)] {
                    s.attribute(AttributeProto { name: name.to_owned(), r#type: 1, f, ..AttributeProto::default() });
                }
                clipped
            }
            Some(clip) => {
                let [low, high] = [s.float(-clip), s.float(clip)];
                s.put("Clip", &[x, &low, &high])
            }
        };
        Ok(function.of(s, &clipped))
    }
}
