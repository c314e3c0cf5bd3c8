//! Codes drawn one by one, and kept when their images happen to be in range.

use crate::error::Error;
use crate::methods::proposals::{FORWARD, Proposals};
use crate::space::{Generator, Observer, Space};
use crate::starts::Starts;

/// Proposes codes drawn from `starts` for as long as that can be paid.
pub(crate) fn propose<S: Space, G: Generator<S>, O: Observer<S>>(
    proposals: &mut Proposals<'_, S, G, O>,
    starts: &Starts,
) -> Result<(), Error> {
    for round in 0.. {
        let slots = proposals.affordable(FORWARD);
        if slots.is_empty() {
            break;
        }
        for &slot in &slots {
            let code = starts.draw(&mut proposals.random(round, slot));
            proposals.write(slot, &code)?;
        }
        let due: Vec<(usize, bool)> = slots.into_iter().map(|slot| (slot, true)).collect();
        proposals.propose(&due)?;
    }
    Ok(())
}
