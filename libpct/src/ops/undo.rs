//! What an operation has done so far and would have to take back.

/// Steps to run in reverse order if the operation fails; an operation that succeeds calls
/// [`Undo::keep`]. A step cannot fail the failure: what it has to say goes to the caller's warnings.
#[derive(Default)]
pub(crate) struct Undo<'a> {
    steps: Vec<Step<'a>>,
}

type Step<'a> = Box<dyn FnOnce() -> Result<(), String> + 'a>;

impl<'a> Undo<'a> {
    /// Adds the reverse of a step that was just done.
    pub(crate) fn push(&mut self, step: impl FnOnce() -> Result<(), String> + 'a) {
        self.steps.push(Box::new(step));
    }

    /// The operation has succeeded: nothing is taken back.
    pub(crate) fn keep(mut self) {
        self.steps.clear();
    }

    /// The operation has failed: takes back what was done, and returns what could not be.
    pub(crate) fn roll_back(mut self) -> Vec<String> {
        let mut problems = Vec::new();
        while let Some(step) = self.steps.pop() {
            problems.extend(step().err());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn steps_are_taken_back_in_reverse_and_one_failure_does_not_stop_the_rest() {
        let order = RefCell::new(Vec::new());
        let mut undo = Undo::default();
        undo.push(|| {
            order.borrow_mut().push(1);
            Ok(())
        });
        undo.push(|| {
            order.borrow_mut().push(2);
            Err("two".to_owned())
        });
        undo.push(|| {
            order.borrow_mut().push(3);
            Ok(())
        });
        assert_eq!(undo.roll_back(), ["two"]);
        assert_eq!(*order.borrow(), [3, 2, 1]);
    }

    #[test]
    fn what_is_kept_is_not_taken_back() {
        let mut undo = Undo::default();
        undo.push(|| Err("taken back".to_owned()));
        undo.keep();
    }
}
