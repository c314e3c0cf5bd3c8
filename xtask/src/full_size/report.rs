//! The closing table of figures.

use anyhow::{Result, bail};

/// What was measured, line by line.
#[derive(Default)]
pub(super) struct Report(Vec<Figure>);

struct Figure {
    what: String,
    found: String,
    /// Empty for a figure that is printed only.
    bound: String,
    holds: bool,
}

impl Report {
    /// A figure without a bound.
    pub(super) fn note(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.line(what.into(), found.into(), String::new(), true);
    }

    /// A figure that must be no greater than a bound. NaN is.
    pub(super) fn at_most(&mut self, what: impl Into<String>, found: f64, bound: f64) {
        let (text, holds) = (format!("<= {}", number(bound)), found <= bound);
        self.line(what.into(), number(found), text, holds);
    }

    /// A figure that must be no less than a bound. NaN is.
    pub(super) fn at_least(&mut self, what: impl Into<String>, found: f64, bound: f64) {
        let (text, holds) = (format!(">= {}", number(bound)), found >= bound);
        self.line(what.into(), number(found), text, holds);
    }

    /// A figure that does not suffice as a number.
    pub(super) fn must(&mut self, what: impl Into<String>, found: impl Into<String>, holds: bool) {
        self.line(what.into(), found.into(), "yes".into(), holds);
    }

    fn line(&mut self, what: String, found: String, bound: String, holds: bool) {
        self.0.push(Figure {
            what,
            found,
            bound,
            holds,
        });
    }

    /// Prints the table.
    pub(super) fn print(&self) {
        println!("\n{:<6} {:<52} {:>12}  bound", "result", "figure", "found");
        for figure in &self.0 {
            let Figure {
                what,
                found,
                bound,
                holds,
            } = figure;
            let result = match (holds, bound.as_str()) {
                (false, _) => "FAILED",
                (true, "") => "",
                (true, _) => "ok",
            };
            println!("{result:<6} {what:<52} {found:>12}  {bound}");
        }
    }

    /// Fails if a figure is out of its bound.
    pub(super) fn verdict(&self) -> Result<()> {
        let failed = self.0.iter().filter(|figure| !figure.holds).count();
        if failed > 0 {
            bail!("{failed} of {} figures are out of bounds", self.0.len());
        }
        Ok(())
    }
}

/// Six digits where that is readable.
fn number(value: f64) -> String {
    match value.abs() {
        size if (1e-2..1e6).contains(&size) => format!("{value:.6}"),
        _ => format!("{value:.3e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_out_of_bounds_fails_the_check() {
        for (found, at_most, at_least) in [
            (0.9, true, false),
            (1.0, true, true),
            (1.1, false, true),
            (f64::NAN, false, false),
        ] {
            let mut report = Report::default();
            report.note("printed only", "");
            report.at_most("above", found, 1.0);
            assert_eq!(report.verdict().is_ok(), at_most, "{found} at most 1");
            let mut report = Report::default();
            report.at_least("below", found, 1.0);
            assert_eq!(report.verdict().is_ok(), at_least, "{found} at least 1");
        }
    }
}
