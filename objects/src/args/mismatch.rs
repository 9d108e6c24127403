//! What is said when arguments don't fit a signature.
//!
//! The binder only finds out that they don't; which of several mistakes is reported, and how, follows CPython, whose
//! C functions come in three sorts: without keywords and with at most one argument ("takes exactly one argument"),
//! without keywords ("expected 2 arguments, got 1"), and with keywords ("takes at most 2 arguments (3 given)").

use super::{Args, ParamKind, Signature};
use crate::error::{PyErr, type_error};

impl Signature {
    /// The TypeError for arguments that can't be bound.
    #[cold]
    pub(super) fn mismatch(&self, args: &Args<'_>) -> PyErr {
        let named = [ParamKind::PositionalOrKeyword, ParamKind::KeywordOnly, ParamKind::VarKwargs];
        let takes_keywords = named.into_iter().any(|kind| self.has(kind));
        type_error(if takes_keywords { self.keyword_mismatch(args) } else { self.positional_mismatch(args) })
    }

    /// The name with the class or module in front, if the function isn't a class itself.
    fn qualified_name(&self) -> String {
        match self.owner.or(self.module.get().copied()) {
            Some(owner) if owner != self.function && owner != "builtins" => {
                format!("{owner}.{}", self.function)
            }
            _ => self.function.to_owned(),
        }
    }

    fn is_class(&self) -> bool {
        self.owner == Some(self.function)
    }

    /// The positional parameters that must be given.
    fn required_positional(&self) -> usize {
        self.bound_params().take(self.positional_params()).filter(|param| param.required).count()
    }

    fn positional_mismatch(&self, args: &Args<'_>) -> String {
        let name = self.function;
        if args.keyword_count() != 0 {
            return format!("{}() takes no keyword arguments", self.qualified_name());
        }
        let (least, most, given) = (self.required_positional(), self.positional_params(), args.len());
        if most == 0 && self.is_class() {
            return format!("{name}() takes no arguments");
        }
        if most == 0 {
            return format!("{}() takes no arguments ({given} given)", self.qualified_name());
        }
        let is_fixed = least == most && !self.has(ParamKind::VarArgs);
        if is_fixed && most == 1 && !self.is_class() {
            return format!("{}() takes exactly one argument ({given} given)", self.qualified_name());
        }
        let (bound, count) = match () {
            () if is_fixed => ("", most),
            () if given < least => ("at least ", least),
            () => ("at most ", most),
        };
        format!("{name} expected {bound}{count} argument{}, got {given}", plural(count))
    }

    fn keyword_mismatch(&self, args: &Args<'_>) -> String {
        let name = self.function;
        let (least, most, given) = (self.required_positional(), self.positional_params(), args.len());
        let (all, total) = (self.bound_params().count(), given + args.keyword_count());
        let has_var_args = self.has(ParamKind::VarArgs);
        if total > all && !has_var_args && !self.has(ParamKind::VarKwargs) {
            let kind = if given == 0 { "keyword " } else { "" };
            return format!("{name}() takes at most {all} {kind}argument{} ({total} given)", plural(all));
        }
        if given > most && !has_var_args {
            if most == 0 {
                return format!("{name}() takes no positional arguments");
            }
            let bound = if least < most { "at most" } else { "exactly" };
            if !self.has(ParamKind::PositionalOrKeyword) && !self.has(ParamKind::KeywordOnly) {
                // As `dict` and `dict.update`, which collect all keyword arguments.
                return format!("{name} expected {bound} {most} argument{}, got {given}", plural(most));
            }
            return format!(
                "{name}() takes {bound} {most} positional argument{} ({given} given)",
                plural(most)
            );
        }
        let only =
            self.params.iter().filter(|param| param.kind == ParamKind::PositionalOnly).count().min(least);
        if given < only {
            let bound = if only < most { "at least" } else { "exactly" };
            return format!(
                "{name}() takes {bound} {only} positional argument{} ({given} given)",
                plural(only)
            );
        }
        let by_position = given.min(most);
        let is_named = |i: usize| args.keywords().any(|(keyword, _)| self.keyword_index(keyword) == Some(i));
        for (i, param) in self.bound_params().enumerate().skip(by_position) {
            if param.required && !is_named(i) {
                return format!("{name}() missing required argument '{}' (pos {})", param.name, i + 1);
            }
        }
        for (keyword, _) in args.keywords() {
            match self.keyword_index(keyword) {
                None if self.has(ParamKind::VarKwargs) => {}
                None => return format!("{name}() got an unexpected keyword argument '{keyword}'"),
                Some(i) if i < by_position => {
                    return format!(
                        "argument for {name}() given by name ('{keyword}') and position ({})",
                        i + 1
                    );
                }
                Some(_) => {}
            }
        }
        format!("{name}() got the same argument twice")
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
