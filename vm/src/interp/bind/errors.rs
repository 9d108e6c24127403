//! What a wrong call is told.

use super::super::suggest;
use super::Binding;
use orochi_core::{Obj, Ref, word};
use orochi_objects::error::{PyErr, type_error};
use orochi_objects::types::str::{self, PyStr};
use orochi_objects::types::tuple::PyTuple;

impl Binding<'_> {
    fn name(&self) -> String {
        str::display(self.function.qualname(self.thread).get())
    }

    fn quoted(&self, parameters: &[usize]) -> Vec<String> {
        parameters.iter().map(|i| format!("'{}'", **self.parameter(*i))).collect()
    }

    fn missing(&self, kind: &str, parameters: &[usize]) -> PyErr {
        let plural = if parameters.len() == 1 { "" } else { "s" };
        type_error(format!(
            "{}() missing {} required {kind} argument{plural}: {}",
            self.name(),
            parameters.len(),
            enumerate(&self.quoted(parameters)),
        ))
    }

    #[cold]
    pub(super) fn missing_positional(&self, parameters: &[usize]) -> PyErr {
        self.missing("positional", parameters)
    }

    #[cold]
    pub(super) fn missing_keyword_only(&self, parameters: &[usize]) -> PyErr {
        self.missing("keyword-only", parameters)
    }

    #[cold]
    pub(super) fn too_many(&mut self, given: usize) -> PyErr {
        let argcount = self.argcount();
        let defaults = self.function.defaults(self.thread).map_or(0, |defaults| defaults.len());
        let (takes, plural) = if defaults > 0 {
            (format!("from {} to {argcount}", argcount.saturating_sub(defaults)), true)
        } else {
            (argcount.to_string(), argcount != 1)
        };
        let kwonly = (argcount..argcount + self.kwonly()).filter(|i| self.word(*i) != word::UNBOUND).count();
        let also = if kwonly > 0 {
            let s = if given == 1 { "" } else { "s" };
            let ks = if kwonly == 1 { "" } else { "s" };
            format!(" positional argument{s} (and {kwonly} keyword-only argument{ks})")
        } else {
            String::new()
        };
        let verb = if given == 1 && kwonly == 0 { "was" } else { "were" };
        let s = if plural { "s" } else { "" };
        type_error(format!(
            "{}() takes {takes} positional argument{s} but {given}{also} {verb} given",
            self.name()
        ))
    }

    #[cold]
    pub(super) fn multiple_values(&self, name: &Obj<PyStr>) -> PyErr {
        type_error(format!("{}() got multiple values for argument '{}'", self.name(), **name))
    }

    #[cold]
    pub(super) fn unexpected_keyword(&self, name: &Obj<PyStr>, names: Option<&Obj<PyTuple>>) -> PyErr {
        let posonly = self.code.code.posonlyargcount as usize;
        let by_name: Vec<String> = names
            .into_iter()
            .flat_map(|names| names.items())
            .filter_map(Ref::downcast::<PyStr>)
            .filter(|name| (0..posonly).any(|i| self.parameter(i).as_bytes() == name.as_bytes()))
            .map(|name| (**name).to_string())
            .collect();
        if !by_name.is_empty() {
            return type_error(format!(
                "{}() got some positional-only arguments passed as keyword arguments: '{}'",
                self.name(),
                by_name.join(", "),
            ));
        }
        let candidates: Vec<String> =
            (posonly..self.argcount() + self.kwonly()).map(|i| (**self.parameter(i)).to_string()).collect();
        let hint = match suggest::best_match(&name.to_string(), &candidates) {
            Some(best) => format!(". Did you mean '{best}'?"),
            None => String::new(),
        };
        type_error(format!("{}() got an unexpected keyword argument '{}'{hint}", self.name(), **name))
    }
}

/// `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`.
fn enumerate(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}
