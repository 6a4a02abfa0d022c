//! The table's times as a chart: one bar for each model and prover, on a logarithmic axis.

use crate::record::Results;
use crate::table::seconds;
use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width of the picture and of its left margin.
const WIDTH: u32 = 900;
const LEFT: i32 = 300;
/// Height of a bar with its gap, and of the head.
const BAR: i32 = 22;
const HEAD: i32 = 50;
/// Colours of the provers, in order of appearance.
const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 105, 168), RGBColor(214, 120, 40), RGBColor(90, 140, 70), RGBColor(130, 90, 150)];

/// One bar.
struct Bar {
    label: String,
    colour: RGBColor,
    seconds: f64,
}

/// The chart as SVG: proving time with the most threads measured.
///
/// # Errors
/// If the drawing fails.
pub fn svg(results: &Results) -> Result<String> {
    let bars = bars(results);
    let shortest = bars.iter().map(|b| b.seconds).fold(f64::INFINITY, f64::min).clamp(1e-4, 1e5);
    let longest = bars.iter().map(|b| b.seconds).fold(0.0, f64::max).clamp(1e-4, 1e5);
    let (low, high) = ((shortest * 0.7).log10().floor() as i32, (longest * 1.2).log10().ceil() as i32);
    let high = high.max(low + 1);
    let bottom = HEAD + BAR * i32::try_from(bars.len())?;
    let mut text = String::new();
    draw(&mut text, &bars, [low, high], bottom).map_err(|error| anyhow!("chart: {error}"))?;
    Ok(text)
}

fn bars(results: &Results) -> Vec<Bar> {
    let mut systems: Vec<&str> = Vec::new();
    let mut bars = Vec::new();
    for row in &results.rows {
        if !systems.contains(&row.system.as_str()) {
            systems.push(&row.system);
        }
        let at = systems.iter().position(|s| *s == row.system).unwrap_or(0);
        if let Some(most) = row.proofs.iter().max_by_key(|p| p.threads) {
            let label = format!("{}, {}", row.model, row.system);
            bars.push(Bar { label, colour: COLOURS[at % COLOURS.len()], seconds: most.usage.seconds });
        }
    }
    bars
}

type DrawError<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw<'a>(text: &'a mut String, bars: &[Bar], [low, high]: [i32; 2], bottom: i32) -> Result<(), DrawError<'a>> {
    let size = (WIDTH, u32::try_from(bottom + 2 * BAR).unwrap_or(WIDTH));
    let area = SVGBackend::with_string(text, size).into_drawing_area();
    area.fill(&WHITE)?;
    let right = WIDTH as i32 - 90;
    let x = |s: f64| LEFT + (f64::from(right - LEFT) * (s.log10() - f64::from(low)) / f64::from(high - low)) as i32;
    let style = |size: i32, h: HPos| TextStyle::from(("sans-serif", size).into_font()).pos(Pos::new(h, VPos::Center));
    area.draw(&Text::new("Proving time (most threads measured)", (LEFT, HEAD / 3), style(15, HPos::Left)))?;
    for power in low..=high {
        let s = 10f64.powi(power);
        area.draw(&PathElement::new(vec![(x(s), HEAD - 8), (x(s), bottom)], RGBColor(215, 215, 215)))?;
        area.draw(&Text::new(seconds(s), (x(s), bottom + BAR / 2), style(12, HPos::Center)))?;
    }
    for (i, bar) in (0i32..).zip(bars) {
        let (top, end) = (HEAD + i * BAR, x(bar.seconds.max(10f64.powi(low))));
        area.draw(&Rectangle::new([(LEFT, top + 3), (end, top + BAR - 3)], bar.colour.filled()))?;
        area.draw(&Text::new(bar.label.as_str(), (LEFT - 8, top + BAR / 2), style(13, HPos::Right)))?;
        area.draw(&Text::new(seconds(bar.seconds), (end + 6, top + BAR / 2), style(12, HPos::Left)))?;
    }
    area.present()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::measure::{Ending, Usage};
    use crate::record::{Proving, Row};

    #[test]
    fn a_bar_for_each_proof() {
        let row = |model: &str, system: &str, seconds| {
            let usage = Usage { ending: Ending::Exit(Some(0)), seconds, cpu_seconds: 0.0, peak_bytes: 0 };
            let proofs = vec![Proving { threads: 2, usage, phases: vec![], all_seconds: vec![] }];
            Row { model: model.into(), system: system.into(), proofs, ..Row::default() }
        };
        let failed = Row { model: "absent".into(), ..Row::default() };
        let rows = vec![row("a<b", "zktorch", 0.5), row("a<b", "ezkl", 211.0), failed];
        let svg = svg(&Results { machine: Machine::here(vec![]), rows }).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("a&lt;b, zktorch") && svg.contains("211 s") && !svg.contains("absent"), "{svg}");
    }

    #[test]
    fn no_proof_at_all() {
        let results = Results { machine: Machine::here(vec![]), rows: vec![] };
        assert!(svg(&results).unwrap().starts_with("<svg"));
    }
}
