//! Ctrl-C and SIGTERM: the first of them ends a run after the batch that is in
//! work, a second one ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use inverse_set::Flow;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit status of a program that was interrupted, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Whether somebody asked the program to end.
#[derive(Debug)]
pub(crate) struct Interrupt {
    asked: Arc<AtomicBool>,
    told: bool,
}

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<Interrupt> {
        let asked = Arc::new(AtomicBool::new(false));
        let register = || -> io::Result<()> {
            for signal in [SIGINT, SIGTERM] {
                // In this order: the second signal finds the flag set.
                flag::register_conditional_shutdown(
                    signal,
                    INTERRUPTED.into(),
                    Arc::clone(&asked),
                )?;
                flag::register(signal, Arc::clone(&asked))?;
            }
            Ok(())
        };
        register().context("listening for Ctrl-C")?;
        Ok(Interrupt { asked, told: false })
    }

    /// Whether to go on at an event; a run can be left where all is saved. `say`
    /// tells the person, once, that they were heard.
    pub(crate) fn flow(&mut self, all_is_saved: bool, say: impl FnOnce(&str)) -> Flow {
        if !self.asked.load(Ordering::Relaxed) {
            return Flow::Continue;
        }
        if !self.told {
            self.told = true;
            say("finishing the batch in work; once more ends at once");
        }
        match all_is_saved {
            true => Flow::Stop,
            false => Flow::Continue,
        }
    }
}
