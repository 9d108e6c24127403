//! First pass of the symbol table: the scopes of a tree and what they do with their names.

use std::rc::Rc;

use super::{
    ComprehensionKind, Part, Private, Scope, ScopeId, ScopeKind, SymbolTable, Symbols, TableOptions, def,
    mangle, node_key,
};
use crate::ast::*;
use crate::error::{CompileError, Result};

pub(super) fn build(module: &Mod, options: TableOptions) -> Result<SymbolTable> {
    let table = SymbolTable { scopes: Vec::new(), by_node: Default::default(), declared: Vec::new() };
    let mut builder =
        Builder { table, current: ScopeId(0), private: None, options, conditional: false, iterables: 0 };
    builder.new_scope("top", ScopeKind::Module, Position { line: 0, ..Position::default() });
    match module {
        Mod::Module { body } | Mod::Interactive { body } => builder.suite(body)?,
        Mod::Expression { body } => builder.expr(body)?,
        Mod::FunctionType { .. } => {}
    }
    Ok(builder.table)
}

struct Builder {
    table: SymbolTable,
    current: ScopeId,
    private: Option<Private>,
    options: TableOptions,
    /// Inside a statement of a module or class whose parts may not run.
    conditional: bool,
    /// How many iterables of comprehensions we are in.
    iterables: u32,
}

impl Builder {
    fn scope(&mut self) -> &mut Scope {
        self.table.scope_mut(self.current)
    }

    fn new_scope(&mut self, name: &str, kind: ScopeKind, at: Position) -> ScopeId {
        let id = ScopeId(self.table.scopes.len() as u32);
        let parent = (id.0 > 0).then_some(self.current);
        let mut nested = false;
        let mut method = false;
        if let Some(parent) = parent {
            let scope = self.table.scope_mut(parent);
            scope.children.push(id);
            nested = scope.nested || scope.is_function_like();
            method = scope.kind == ScopeKind::Class && kind == ScopeKind::Function;
        }
        self.table.scopes.push(Scope {
            kind,
            name: Rc::from(name),
            at,
            parent,
            children: Vec::new(),
            symbols: Symbols::default(),
            params: Vec::new(),
            private: self.private.clone(),
            nested,
            generator: false,
            coroutine: false,
            is_lambda: false,
            method,
            lazy_part: "a TypeVar bound",
            varargs: false,
            varkeywords: false,
            comprehension: None,
            inlined: false,
            needs_class_closure: false,
            needs_classdict: false,
            can_see_class_scope: false,
            has_conditional_annotations: false,
            annotation_scope: None,
            walrus: Default::default(),
            unbound: Default::default(),
        });
        id
    }

    fn inside<T>(&mut self, id: ScopeId, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let (outer, conditional) = (self.current, self.conditional);
        self.current = id;
        self.conditional = false;
        let result = f(self);
        self.current = outer;
        self.conditional = conditional;
        result
    }

    fn key<T>(&mut self, node: &T, part: Part, id: ScopeId) {
        self.table.by_node.insert((node_key(node), part), id);
    }

    fn add(&mut self, name: &Ident, flag: u32, at: Position) -> Result<()> {
        self.add_to(self.current, name, flag, at)
    }

    fn add_to(&mut self, id: ScopeId, name: &Ident, flag: u32, at: Position) -> Result<()> {
        let name = mangle(self.private.as_ref(), name);
        let scope = self.table.scope_mut(id);
        let symbol = scope.symbols.entry(name.clone()).or_default();
        let flags = symbol.flags;
        if flag & def::PARAM != 0 && flags & def::PARAM != 0 {
            let message = format!("duplicate argument '{name}' in function definition");
            return Err(CompileError::syntax(message, at));
        }
        if flag & def::TYPE_PARAM != 0 && flags & def::TYPE_PARAM != 0 {
            return Err(CompileError::syntax(format!("duplicate type parameter '{name}'"), at));
        }
        symbol.flags |= flag;
        if flag & def::PARAM != 0 {
            scope.params.push(name);
        }
        Ok(())
    }

    fn flags_of(&self, name: &Ident) -> u32 {
        let name = mangle(self.private.as_ref(), name);
        self.table.scope(self.current).symbols.get(&name).map_or(0, |symbol| symbol.flags)
    }

    // ---- statements ----

    fn suite(&mut self, body: &[Stmt]) -> Result<()> {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn conditionally(&mut self, f: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let outer = std::mem::replace(&mut self.conditional, true);
        let result = f(self);
        self.conditional = outer;
        result
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<()> {
        match &stmt.kind {
            StmtKind::FunctionDef(def) => self.function(def, stmt.at),
            StmtKind::ClassDef(def) => self.class(def, stmt.at),
            StmtKind::TypeAlias(alias) => self.type_alias(alias, stmt.at),
            StmtKind::Return(value) => self.optional(value.as_deref()),
            StmtKind::Delete(targets) => {
                for target in targets {
                    self.note_unbound(target);
                }
                self.exprs(targets)
            }
            StmtKind::Assign { targets, value } => {
                self.expr(value)?;
                self.exprs(targets)
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expr(target)?;
                self.expr(value)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.ann_assign(target, annotation, value.as_deref(), *simple, stmt.at)
            }
            StmtKind::Raise { exc, cause } => {
                self.optional(exc.as_deref())?;
                self.optional(cause.as_deref())
            }
            StmtKind::Assert { test, msg } => {
                self.expr(test)?;
                self.optional(msg.as_deref())
            }
            StmtKind::Import(names) => names.iter().try_for_each(|alias| self.alias(alias, true)),
            StmtKind::ImportFrom { names, .. } => names.iter().try_for_each(|alias| self.alias(alias, false)),
            StmtKind::Global(names) => self.declare(names, def::GLOBAL, "global", stmt.at),
            StmtKind::Nonlocal(names) => self.declare(names, def::NONLOCAL, "nonlocal", stmt.at),
            StmtKind::Expr(value) => self.expr(value),
            StmtKind::Pass | StmtKind::Break | StmtKind::Continue => Ok(()),
            _ => self.conditionally(|this| this.compound(stmt)),
        }
    }

    fn compound(&mut self, stmt: &Stmt) -> Result<()> {
        match &stmt.kind {
            StmtKind::For(node) => {
                self.expr(&node.target)?;
                self.expr(&node.iter)?;
                self.suite(&node.body)?;
                self.suite(&node.orelse)
            }
            StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
                self.expr(test)?;
                self.suite(body)?;
                self.suite(orelse)
            }
            StmtKind::With { items, body, .. } => {
                for item in items {
                    self.expr(&item.context)?;
                    self.optional(item.target.as_ref())?;
                }
                self.suite(body)
            }
            StmtKind::Try(node) => {
                self.suite(&node.body)?;
                for handler in &node.handlers {
                    self.optional(handler.typ.as_ref())?;
                    if let Some(name) = &handler.name {
                        self.add(name, def::LOCAL, handler.at)?;
                        let name = mangle(self.private.as_ref(), name);
                        self.scope().unbound.insert(name);
                    }
                    self.suite(&handler.body)?;
                }
                self.suite(&node.orelse)?;
                self.suite(&node.finalbody)
            }
            StmtKind::Match { subject, cases } => {
                self.expr(subject)?;
                for case in cases {
                    self.pattern(&case.pattern)?;
                    self.optional(case.guard.as_ref())?;
                    self.suite(&case.body)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note_unbound(&mut self, target: &Expr) {
        match &target.kind {
            ExprKind::Name { id, .. } => {
                let name = mangle(self.private.as_ref(), id);
                self.scope().unbound.insert(name);
            }
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => {
                elts.iter().for_each(|target| self.note_unbound(target));
            }
            _ => {}
        }
    }

    fn declare(&mut self, names: &[Ident], flag: u32, word: &str, at: Position) -> Result<()> {
        for name in names {
            let flags = self.flags_of(name);
            let wrong = if flags & def::PARAM != 0 {
                Some(format!("name '{name}' is parameter and {word}"))
            } else if flags & def::USE != 0 {
                Some(format!("name '{name}' is used prior to {word} declaration"))
            } else if flags & def::ANNOT != 0 {
                Some(format!("annotated name '{name}' can't be {word}"))
            } else if flags & (def::LOCAL | def::TYPE_PARAM) != 0 {
                Some(format!("name '{name}' is assigned to before {word} declaration"))
            } else {
                None
            };
            if let Some(message) = wrong {
                return Err(CompileError::syntax(message, at));
            }
            self.add(name, flag, at)?;
            if flag == def::GLOBAL {
                // The module's own code then uses the globals too, also where its namespace is another mapping.
                self.add_to(super::TOP, name, def::GLOBAL, at)?;
            }
            // Errors found later (no binding, nonlocal at module level) are reported at the declaration.
            self.table.declared.push((self.current, name.clone(), at));
            if flag == def::NONLOCAL && self.scope().kind == ScopeKind::Module {
                return Err(CompileError::syntax("nonlocal declaration not allowed at module level", at));
            }
        }
        Ok(())
    }

    fn alias(&mut self, alias: &Alias, whole: bool) -> Result<()> {
        if &*alias.name == "*" {
            if self.scope().kind != ScopeKind::Module {
                return Err(CompileError::syntax("import * only allowed at module level", alias.at));
            }
            return Ok(());
        }
        let name = match &alias.asname {
            Some(name) => name.clone(),
            None if whole => Rc::from(alias.name.split('.').next().unwrap_or_default()),
            None => alias.name.clone(),
        };
        self.add(&name, def::IMPORT, alias.at)
    }

    fn ann_assign(
        &mut self,
        target: &Expr,
        annotation: &Expr,
        value: Option<&Expr>,
        simple: bool,
        at: Position,
    ) -> Result<()> {
        if let ExprKind::Name { id, .. } = &target.kind {
            let flags = self.flags_of(id);
            let top = self.scope().kind == ScopeKind::Module;
            if simple && flags & (def::GLOBAL | def::NONLOCAL) != 0 && !top {
                let word = if flags & def::GLOBAL != 0 { "global" } else { "nonlocal" };
                let message = format!("annotated name '{id}' can't be {word}");
                return Err(CompileError::syntax(message, at));
            }
            if simple {
                self.add(id, def::ANNOT | def::LOCAL, target.at)?;
            } else if value.is_some() {
                self.add(id, def::LOCAL, target.at)?;
            }
        } else {
            self.expr(target)?;
        }
        self.annotation(annotation, simple && matches!(target.kind, ExprKind::Name { .. }))?;
        self.optional(value)
    }

    /// The annotation of a variable, which is evaluated in the annotation scope of the module or class.
    fn annotation(&mut self, annotation: &Expr, stored: bool) -> Result<()> {
        let at = annotation.at;
        let scope = self.table.scope(self.current);
        let kind = scope.kind;
        let id = match scope.annotation_scope {
            Some(id) => id,
            None => {
                let id = self.annotation_scope(at)?;
                self.scope().annotation_scope = Some(id);
                id
            }
        };
        let conditional = kind == ScopeKind::Module || (kind == ScopeKind::Class && self.conditional);
        if stored && conditional && !self.options.future_annotations {
            self.scope().has_conditional_annotations = true;
            let name: Ident = Rc::from("__conditional_annotations__");
            self.add(&name, def::USE, at)?;
            self.add_to(id, &name, def::USE, at)?;
        }
        self.in_annotations(id, |this| this.expr(annotation))
    }

    /// Visits annotations. When they are to be strings that is only for the errors: they use no names.
    fn in_annotations(&mut self, id: ScopeId, f: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let first = self.table.scopes.len();
        self.inside(id, f)?;
        if self.options.future_annotations {
            let scope = self.table.scope_mut(id);
            scope.symbols.retain(|_, symbol| symbol.flags & def::PARAM != 0);
            scope.children.clear();
            for scope in &mut self.table.scopes[first..] {
                scope.symbols.clear();
            }
        }
        Ok(())
    }

    fn annotation_scope(&mut self, at: Position) -> Result<ScopeId> {
        let scope = self.table.scope(self.current);
        let sees = scope.kind == ScopeKind::Class || scope.can_see_class_scope;
        let id = self.new_scope("__annotate__", ScopeKind::Annotation, at);
        self.prepare_lazy_scope(id, sees, at)?;
        Ok(id)
    }

    /// Scopes that are functions of a parameter `.format` and may see the names of a class.
    fn prepare_lazy_scope(&mut self, id: ScopeId, sees_class: bool, at: Position) -> Result<()> {
        let format: Ident = Rc::from(".format");
        self.add_to(id, &format, def::PARAM, at)?;
        self.add_to(id, &format, def::USE, at)?;
        if sees_class {
            self.table.scope_mut(id).can_see_class_scope = true;
            self.add_to(id, &Rc::from("__classdict__"), def::USE, at)?;
        }
        Ok(())
    }

    // ---- definitions ----

    fn function(&mut self, def: &FunctionDef, at: Position) -> Result<()> {
        self.add(&def.name, def::LOCAL, at)?;
        self.exprs(&def.args.defaults)?;
        def.args.kw_defaults.iter().flatten().try_for_each(|default| self.expr(default))?;
        self.exprs(&def.decorators)?;
        let generic = if def.type_params.is_empty() { Vec::new() } else { lazy_params(&def.args) };
        self.with_type_params(def, &def.name, &def.type_params, at, &generic, |this| {
            this.function_annotations(def, at)?;
            let id = this.new_scope(&def.name, ScopeKind::Function, at);
            this.key(def, Part::Body, id);
            this.table.scope_mut(id).coroutine = def.is_async;
            this.inside(id, |this| {
                this.parameters(&def.args)?;
                this.suite(&def.body)
            })
        })
    }

    fn function_annotations(&mut self, def: &FunctionDef, at: Position) -> Result<()> {
        let mut annotated = def.args.all().filter_map(|arg| arg.annotation.as_ref()).peekable();
        if annotated.peek().is_none() && def.returns.is_none() {
            return Ok(());
        }
        let id = self.annotation_scope(at)?;
        self.key(def, Part::Annotations, id);
        self.in_annotations(id, |this| {
            for annotation in annotated {
                this.expr(annotation)?;
            }
            this.optional(def.returns.as_ref())
        })
    }

    fn parameters(&mut self, args: &Arguments) -> Result<()> {
        for arg in args.all() {
            self.add(&arg.name, def::PARAM, arg.at)?;
        }
        let scope = self.scope();
        scope.varargs = args.vararg.is_some();
        scope.varkeywords = args.kwarg.is_some();
        Ok(())
    }

    fn class(&mut self, def: &ClassDef, at: Position) -> Result<()> {
        self.add(&def.name, def::LOCAL, at)?;
        self.exprs(&def.decorators)?;
        let generic = !def.type_params.is_empty();
        let outer_private = self.private.clone();
        if generic {
            let names = def.type_params.iter().map(|param| param.name.clone());
            self.private = Some(Private::around_class(&def.name, names));
        }
        let result = self.with_type_params(def, &def.name, &def.type_params, at, &CLASS_NAMES, |this| {
            this.exprs(&def.bases)?;
            def.keywords.iter().try_for_each(|keyword| this.expr(&keyword.value))?;
            let outer = this.private.replace(Private::in_class(&def.name));
            let id = this.new_scope(&def.name, ScopeKind::Class, at);
            this.key(def, Part::Body, id);
            this.inside(id, |this| {
                if generic {
                    this.add(&Rc::from("__type_params__"), def::LOCAL, at)?;
                    this.add(&Rc::from(".type_params"), def::USE, at)?;
                }
                this.suite(&def.body)
            })?;
            this.private = outer;
            Ok(())
        });
        self.private = outer_private;
        result
    }

    fn with_type_params<T>(
        &mut self,
        node: &T,
        name: &Ident,
        params: &[TypeParam],
        at: Position,
        names: &[(&str, u32)],
        f: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if params.is_empty() {
            return f(self);
        }
        let scope = self.table.scope(self.current);
        let sees = scope.kind == ScopeKind::Class || scope.can_see_class_scope;
        let id = self.new_scope(name, ScopeKind::TypeParams, at);
        self.key(node, Part::TypeParams, id);
        if sees {
            self.table.scope_mut(id).can_see_class_scope = true;
            self.add_to(id, &Rc::from("__classdict__"), def::USE, at)?;
        }
        for (name, flags) in names {
            self.add_to(id, &Rc::from(*name), *flags, at)?;
        }
        self.inside(id, |this| {
            params.iter().try_for_each(|param| this.type_param(param))?;
            f(this)
        })
    }

    fn type_param(&mut self, param: &TypeParam) -> Result<()> {
        if matches!(&*param.name, "__classdict__" | "__classcell__" | "__class__") {
            let message = format!("reserved name '{}' cannot be used for type parameter", param.name);
            return Err(CompileError::syntax(message, param.at));
        }
        self.add(&param.name, def::TYPE_PARAM | def::LOCAL, param.at)?;
        if let TypeParamKind::TypeVar { bound: Some(bound) } = &param.kind {
            self.type_variable(param, bound, Part::Bound)?;
        }
        match &param.default {
            Some(default) => self.type_variable(param, default, Part::Default),
            None => Ok(()),
        }
    }

    fn type_variable(&mut self, param: &TypeParam, value: &Expr, part: Part) -> Result<()> {
        let sees = self.scope().can_see_class_scope;
        let id = self.new_scope(&param.name, ScopeKind::TypeVariable, value.at);
        self.key(param, part, id);
        self.prepare_lazy_scope(id, sees, value.at)?;
        self.table.scope_mut(id).lazy_part = match (&param.kind, part) {
            (TypeParamKind::ParamSpec, _) => "a ParamSpec default",
            (TypeParamKind::TypeVarTuple, _) => "a TypeVarTuple default",
            (TypeParamKind::TypeVar { .. }, Part::Default) => "a TypeVar default",
            _ if matches!(
                value.kind,
                ExprKind::Tuple { .. } | ExprKind::Constant { value: Constant::Tuple(_), .. }
            ) =>
            {
                "a TypeVar constraint"
            }
            _ => "a TypeVar bound",
        };
        self.inside(id, |this| match &value.kind {
            ExprKind::Starred { value, .. } => this.expr(value),
            _ => this.expr(value),
        })
    }

    fn type_alias(&mut self, alias: &TypeAlias, at: Position) -> Result<()> {
        self.expr(&alias.name)?;
        let ExprKind::Name { id: name, .. } = &alias.name.kind else {
            return Err(CompileError::syntax("invalid syntax", alias.name.at));
        };
        self.with_type_params(alias, name, &alias.type_params, at, &[], |this| {
            let scope = this.table.scope(this.current);
            let sees = scope.kind == ScopeKind::Class || scope.can_see_class_scope;
            let id = this.new_scope(name, ScopeKind::TypeAlias, at);
            this.key(alias, Part::Body, id);
            this.prepare_lazy_scope(id, sees, at)?;
            this.inside(id, |this| this.expr(&alias.value))
        })
    }

    // ---- expressions ----

    fn exprs(&mut self, exprs: &[Expr]) -> Result<()> {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    fn optional(&mut self, expr: Option<&Expr>) -> Result<()> {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Name { id, ctx } => self.name(id, *ctx, expr.at),
            ExprKind::Constant { .. } => Ok(()),
            ExprKind::BoolOp { values, .. } => self.exprs(values),
            ExprKind::Bin { left, right, .. } => {
                self.expr(left)?;
                self.expr(right)
            }
            ExprKind::Unary { operand, .. } => self.expr(operand),
            ExprKind::Compare { left, comparators, .. } => {
                self.expr(left)?;
                self.exprs(comparators)
            }
            ExprKind::Call(call) => {
                self.expr(&call.func)?;
                self.exprs(&call.args)?;
                call.keywords.iter().try_for_each(|keyword| self.expr(&keyword.value))
            }
            ExprKind::Attribute { value, .. } | ExprKind::Starred { value, .. } => self.expr(value),
            ExprKind::Subscript { value, slice, .. } => {
                self.expr(value)?;
                self.expr(slice)
            }
            ExprKind::If { test, body, orelse } => {
                self.expr(test)?;
                self.expr(body)?;
                self.expr(orelse)
            }
            ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } | ExprKind::Set(elts) => {
                self.exprs(elts)
            }
            ExprKind::JoinedStr(values) | ExprKind::TemplateStr(values) => self.exprs(values),
            ExprKind::Dict { keys, values } => {
                keys.iter().flatten().try_for_each(|key| self.expr(key))?;
                self.exprs(values)
            }
            ExprKind::Slice { lower, upper, step } => {
                self.optional(lower.as_deref())?;
                self.optional(upper.as_deref())?;
                self.optional(step.as_deref())
            }
            ExprKind::FormattedValue(field) => {
                self.expr(&field.value)?;
                self.optional(field.format_spec.as_ref())
            }
            ExprKind::Interpolation(field) => {
                self.expr(&field.value)?;
                self.optional(field.format_spec.as_ref())
            }
            _ => self.special_expr(expr),
        }
    }

    fn special_expr(&mut self, expr: &Expr) -> Result<()> {
        match &expr.kind {
            ExprKind::Named { target, value } => self.walrus(target, value, expr.at),
            ExprKind::Lambda(lambda) => self.lambda(lambda, expr.at),
            ExprKind::ListComp(comp) => self.comprehension(comp, ComprehensionKind::List, expr.at),
            ExprKind::SetComp(comp) => self.comprehension(comp, ComprehensionKind::Set, expr.at),
            ExprKind::DictComp(comp) => self.comprehension(comp, ComprehensionKind::Dict, expr.at),
            ExprKind::Generator(comp) => self.comprehension(comp, ComprehensionKind::Generator, expr.at),
            ExprKind::Yield(value) => {
                self.refuse_in_lazy_scope("yield expression", expr.at)?;
                self.optional(value.as_deref())?;
                self.scope().generator = true;
                self.refuse_yield_in_comprehension(expr.at)
            }
            ExprKind::YieldFrom(value) => {
                self.refuse_in_lazy_scope("yield expression", expr.at)?;
                self.expr(value)?;
                self.scope().generator = true;
                self.refuse_yield_in_comprehension(expr.at)
            }
            ExprKind::Await(value) => {
                self.refuse_in_lazy_scope("await expression", expr.at)?;
                self.expr(value)?;
                self.scope().coroutine = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn refuse_yield_in_comprehension(&mut self, at: Position) -> Result<()> {
        let what = match self.scope().comprehension {
            None => return Ok(()),
            Some(ComprehensionKind::List) => "list comprehension",
            Some(ComprehensionKind::Set) => "set comprehension",
            Some(ComprehensionKind::Dict) => "dict comprehension",
            Some(ComprehensionKind::Generator) => "generator expression",
        };
        Err(CompileError::syntax(format!("'yield' inside {what}"), at))
    }

    /// Annotations, type parameters and aliases may not contain some expressions.
    fn refuse_in_lazy_scope(&mut self, what: &str, at: Position) -> Result<()> {
        let part = match self.scope().kind {
            ScopeKind::Annotation => "an annotation",
            ScopeKind::TypeVariable => self.scope().lazy_part,
            ScopeKind::TypeAlias => "a type alias",
            ScopeKind::TypeParams => "the definition of a generic",
            _ => return Ok(()),
        };
        Err(CompileError::syntax(format!("{what} cannot be used within {part}"), at))
    }

    fn name(&mut self, id: &Ident, ctx: Context, at: Position) -> Result<()> {
        self.add(id, if ctx == Context::Load { def::USE } else { def::LOCAL }, at)?;
        if ctx == Context::Load && self.scope().is_function_like() && &**id == "super" {
            // `super()` needs the cell of the class.
            self.add(&Rc::from("__class__"), def::USE, at)?;
        }
        Ok(())
    }

    fn lambda(&mut self, lambda: &Lambda, at: Position) -> Result<()> {
        self.exprs(&lambda.args.defaults)?;
        lambda.args.kw_defaults.iter().flatten().try_for_each(|default| self.expr(default))?;
        let id = self.new_scope("<lambda>", ScopeKind::Function, at);
        self.key(lambda, Part::Body, id);
        self.table.scope_mut(id).is_lambda = true;
        self.inside(id, |this| {
            this.parameters(&lambda.args)?;
            this.expr(&lambda.body)
        })
    }

    fn comprehension(&mut self, comp: &Comprehension, kind: ComprehensionKind, at: Position) -> Result<()> {
        let Some((first, rest)) = comp.generators.split_first() else {
            return Err(CompileError::new(
                crate::error::ErrorKind::Value,
                "comprehension with no generators",
            ));
        };
        self.iterables += 1;
        let result = self.expr(&first.iter);
        self.iterables -= 1;
        result?;
        let name = match kind {
            ComprehensionKind::List => "<listcomp>",
            ComprehensionKind::Set => "<setcomp>",
            ComprehensionKind::Dict => "<dictcomp>",
            ComprehensionKind::Generator => "<genexpr>",
        };
        let sees_class = self.scope().can_see_class_scope;
        let id = self.new_scope(name, ScopeKind::Function, at);
        self.key(comp, Part::Body, id);
        let scope = self.table.scope_mut(id);
        scope.comprehension = Some(kind);
        scope.method = false;
        let generator = kind == ComprehensionKind::Generator;
        scope.inlined = !generator && !sees_class;
        scope.coroutine = first.is_async;
        self.inside(id, |this| {
            if !this.scope().inlined {
                this.add(&Rc::from(".0"), def::PARAM, at)?;
            }
            this.target(&first.target)?;
            this.exprs(&first.ifs)?;
            for generator in rest {
                this.target(&generator.target)?;
                this.iterables += 1;
                let result = this.expr(&generator.iter);
                this.iterables -= 1;
                result?;
                this.exprs(&generator.ifs)?;
                this.scope().coroutine |= generator.is_async;
            }
            this.expr(&comp.elt)?;
            this.optional(comp.value.as_ref())
        })?;
        self.check_size(id);
        if self.table.scope(id).coroutine && !generator {
            if self.scope().kind == ScopeKind::Annotation {
                let message = "asynchronous comprehension outside of an asynchronous function";
                return Err(CompileError::syntax(message, at));
            }
            self.scope().coroutine = true;
        }
        if generator {
            self.table.scope_mut(id).generator = true;
        }
        Ok(())
    }

    /// An inlined comprehension's variables must find registers in the frame around: one with very many gets a frame of its
    /// own after all.
    fn check_size(&mut self, id: ScopeId) {
        let scope = self.table.scope_mut(id);
        if scope.inlined && scope.symbols.len() > MAX_INLINED_SYMBOLS {
            scope.inlined = false;
            scope.params.push(Rc::from(".0"));
            let symbol = scope.symbols.entry(Rc::from(".0")).or_default();
            symbol.flags |= def::PARAM;
        }
    }

    /// The target of a comprehension's `for`.
    fn target(&mut self, target: &Expr) -> Result<()> {
        self.expr(target)?;
        self.mark_iteration(target)
    }

    fn mark_iteration(&mut self, target: &Expr) -> Result<()> {
        match &target.kind {
            ExprKind::Name { id, .. } => {
                let name = mangle(self.private.as_ref(), id);
                if let Some(symbol) = self.scope().symbols.get_mut(&name) {
                    if symbol.flags & (def::GLOBAL | def::NONLOCAL) != 0 {
                        let message = format!(
                            "comprehension inner loop cannot rebind assignment expression target '{id}'"
                        );
                        return Err(CompileError::syntax(message, target.at));
                    }
                    symbol.flags |= def::COMP_ITER;
                }
            }
            ExprKind::Tuple { elts, .. } | ExprKind::List { elts, .. } => {
                elts.iter().try_for_each(|target| self.mark_iteration(target))?;
            }
            ExprKind::Starred { value, .. } => self.mark_iteration(value)?,
            _ => {}
        }
        Ok(())
    }

    fn walrus(&mut self, target: &Expr, value: &Expr, at: Position) -> Result<()> {
        self.refuse_in_lazy_scope("named expression", at)?;
        let ExprKind::Name { id, .. } = &target.kind else {
            return Err(CompileError::syntax("invalid syntax", target.at));
        };
        if self.iterables > 0 {
            let message = "assignment expression cannot be used in a comprehension iterable expression";
            return Err(CompileError::syntax(message, at));
        }
        if self.scope().comprehension.is_some() {
            self.extend_walrus(id, target.at)?;
        }
        self.expr(value)?;
        if self.scope().comprehension.is_none() {
            let name = mangle(self.private.as_ref(), id);
            self.scope().walrus.insert(name);
            self.expr(target)?;
        }
        Ok(())
    }

    /// An assignment expression in a comprehension binds in the scope around all comprehensions.
    fn extend_walrus(&mut self, id: &Ident, at: Position) -> Result<()> {
        let name = mangle(self.private.as_ref(), id);
        let mut inner = Vec::new();
        let mut outer = self.current;
        while self.table.scope(outer).comprehension.is_some() {
            let flags = self.table.scope(outer).symbols.get(&name).map_or(0, |symbol| symbol.flags);
            if flags & def::COMP_ITER != 0 {
                let message =
                    format!("assignment expression cannot rebind comprehension iteration variable '{id}'");
                return Err(CompileError::syntax(message, at));
            }
            inner.push(outer);
            outer = self.table.scope(outer).parent.unwrap_or(super::TOP);
        }
        let scope = self.table.scope(outer);
        let global = scope.symbols.get(&name).is_some_and(|symbol| symbol.flags & def::GLOBAL != 0);
        let flag = match scope.kind {
            ScopeKind::Function if global => def::GLOBAL,
            ScopeKind::Function => def::NONLOCAL,
            ScopeKind::Module => def::GLOBAL,
            ScopeKind::Class => {
                let message = "assignment expression within a comprehension cannot be used in a class body";
                return Err(CompileError::syntax(message, at));
            }
            kind => return Err(CompileError::syntax(lazy_walrus_message(kind), at)),
        };
        for comprehension in inner {
            self.add_to(comprehension, id, flag, at)?;
        }
        let outer_flag = match flag {
            def::NONLOCAL => def::LOCAL,
            _ => def::GLOBAL,
        };
        self.add_to(outer, id, outer_flag, at)?;
        self.table.scope_mut(outer).walrus.insert(name);
        Ok(())
    }

    // ---- patterns ----

    fn pattern(&mut self, pattern: &Pattern) -> Result<()> {
        let capture = |this: &mut Self, name: &Option<Ident>| match name {
            Some(name) => this.add(name, def::LOCAL, pattern.at),
            None => Ok(()),
        };
        match &pattern.kind {
            PatternKind::Value(value) => self.expr(value),
            PatternKind::Singleton(_) => Ok(()),
            PatternKind::Sequence(patterns) | PatternKind::Or(patterns) => {
                patterns.iter().try_for_each(|pattern| self.pattern(pattern))
            }
            PatternKind::Star(name) => capture(self, name),
            PatternKind::Mapping { keys, patterns, rest } => {
                self.exprs(keys)?;
                patterns.iter().try_for_each(|pattern| self.pattern(pattern))?;
                capture(self, rest)
            }
            PatternKind::Class { cls, patterns, kwd_patterns, .. } => {
                self.expr(cls)?;
                patterns.iter().chain(kwd_patterns).try_for_each(|pattern| self.pattern(pattern))
            }
            PatternKind::As { pattern, name } => {
                if let Some(pattern) = pattern {
                    self.pattern(pattern)?;
                }
                capture(self, name)
            }
        }
    }
}

/// Names of the compiler's own in the type parameter scope of a class.
/// A comprehension with more names than this isn't inlined.
const MAX_INLINED_SYMBOLS: usize = 40;
const CLASS_NAMES: [(&str, u32); 2] =
    [(".type_params", def::LOCAL | def::USE), (".generic_base", def::LOCAL | def::USE)];

/// Parameters of the type parameter scope of a function, which receives the defaults.
fn lazy_params(args: &Arguments) -> Vec<(&'static str, u32)> {
    let mut names = Vec::new();
    if !args.defaults.is_empty() {
        names.push((".defaults", def::PARAM));
    }
    if args.kw_defaults.iter().any(Option::is_some) {
        names.push((".kwdefaults", def::PARAM));
    }
    names
}

fn lazy_walrus_message(kind: ScopeKind) -> &'static str {
    match kind {
        ScopeKind::TypeParams => {
            "assignment expression within a comprehension cannot be used within the definition of a generic"
        }
        ScopeKind::TypeAlias => "assignment expression within a comprehension cannot be used in a type alias",
        ScopeKind::TypeVariable => {
            "assignment expression within a comprehension cannot be used in a TypeVar bound"
        }
        _ => "named expression cannot be used within an annotation",
    }
}
