//! Type comments: `# type: int` behind an assignment, a header or a parameter, and `# type: ignore`.
//!
//! The parser drops comments, but its tokens have them. What stands before a comment tells what it belongs to: the end of
//! an assignment, the colon of a header, or a parameter. Anywhere else it is a syntax error, as in CPython's grammar. They are kept
//! beside the tree, by the places of its nodes, since only `ast.parse(…, type_comments=True)` asks for them.

use super::Adapter;
use crate::ast::Position;
use crate::error::{CompileError, Result};
use ruff_python_ast::token::{Token, TokenKind};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as r};
use ruff_text_size::{Ranged, TextRange, TextSize};
use rustc_hash::FxHashMap;

/// Line and column of a node.
type Place = (u32, i32);

/// The type comments of a source.
#[derive(Debug, Default)]
pub struct TypeComments {
    /// `# type: ignore`: its line, and what follows.
    pub ignores: Vec<(u32, String)>,
    of_statements: FxHashMap<Place, String>,
    of_parameters: FxHashMap<Place, String>,
}

impl TypeComments {
    /// That of the statement at a place.
    pub fn of_statement(&self, at: Position) -> Option<&str> {
        self.of_statements.get(&(at.line, at.column)).map(|comment| &**comment)
    }

    /// That of the parameter at a place.
    pub fn of_parameter(&self, at: Position) -> Option<&str> {
        self.of_parameters.get(&(at.line, at.column)).map(|comment| &**comment)
    }
}

/// The type comments among the tokens of a tree.
///
/// # Errors
/// SyntaxError for one that belongs to nothing.
pub(super) fn collect(adapter: &Adapter<'_>, syntax: &r::Mod, tokens: &[Token]) -> Result<TypeComments> {
    let mut places = Places { adapter, tokens, headers: FxHashMap::default(), ends: FxHashMap::default() };
    if let r::Mod::Module(module) = syntax {
        places.visit_body(&module.body);
    }
    let mut found = TypeComments::default();
    // The kinds and ends of the last two tokens that count, the latest first.
    let mut before = [(TokenKind::EndOfFile, TextSize::default()); 2];
    for (i, token) in tokens.iter().enumerate() {
        match token.kind() {
            TokenKind::Comment => {
                if let Some(comment) = Comment::read(adapter, token.range()) {
                    let next =
                        tokens.get(i + 1..).unwrap_or_default().iter().find(|token| counts(token.kind()));
                    let closed = next.is_some_and(|token| token.kind() == TokenKind::Rpar);
                    places.attach(&mut found, comment, before, closed)?;
                }
            }
            kind if counts(kind) => before = [(kind, token.range().end()), before[0]],
            _ => {}
        }
    }
    Ok(found)
}

/// Whether a token matters to the grammar around comments.
fn counts(kind: TokenKind) -> bool {
    !matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::Indent | TokenKind::Dedent)
}

enum Comment<'s> {
    Type { text: &'s str, range: TextRange },
    Ignore { line: u32, tag: String },
}

impl<'s> Comment<'s> {
    /// The type comment that a comment is.
    fn read(adapter: &Adapter<'s>, range: TextRange) -> Option<Comment<'s>> {
        let spaces = [' ', '\t'];
        let whole = adapter.slice(range);
        let text = whole.strip_prefix('#')?.trim_start_matches(spaces);
        let text = text.strip_prefix("type:")?.trim_start_matches(spaces);
        let start = range.end() - TextSize::of(text);
        let Some(tag) = text.strip_prefix("ignore").filter(|tag| {
            !tag.bytes().next().is_some_and(|byte| byte >= 128 || byte.is_ascii_alphanumeric())
        }) else {
            return Some(Comment::Type { text, range: TextRange::new(start, range.end()) });
        };
        let at = adapter.position(range);
        let mut tag = tag.to_owned();
        // One that has a line for itself takes the end of the line as well.
        let line_start = adapter.source.get(..usize::from(range.start())).unwrap_or_default();
        let alone = line_start.trim_end_matches(spaces).chars().next_back().is_none_or(|c| c == '\n');
        let rest = adapter.source.get(usize::from(range.end())..).unwrap_or_default();
        if alone && rest.starts_with('\n') {
            tag.push('\n');
        }
        Some(Comment::Ignore { line: at.line, tag })
    }
}

/// What a comment after a token belongs to.
#[derive(Clone, Copy)]
enum Owner {
    Assignment(Place),
    Parameter(Place),
}

/// The places in a source after which type comments may stand, by their offsets.
struct Places<'a, 's> {
    adapter: &'a Adapter<'s>,
    tokens: &'a [Token],
    /// After the colons of headers: the statement, and whether it is a function.
    headers: FxHashMap<TextSize, (Place, bool)>,
    /// After assignments and parameters.
    ends: FxHashMap<TextSize, Owner>,
}

impl Places<'_, '_> {
    fn place(&self, range: TextRange) -> Place {
        let at = self.adapter.position(range);
        (at.line, at.column)
    }

    /// Notes the first colon from an offset on as that of a statement's header.
    fn header(&mut self, from: TextSize, statement: TextRange, is_function: bool) {
        let first = self.tokens.partition_point(|token| token.range().start() < from);
        let colon =
            self.tokens.get(first..).unwrap_or_default().iter().find(|t| t.kind() == TokenKind::Colon);
        if let Some(colon) = colon {
            let place = self.place(statement);
            self.headers.insert(colon.range().end(), (place, is_function));
        }
    }

    fn parameter(&mut self, parameter: &r::Parameter, end: TextSize) {
        let place = self.place(parameter.name.range);
        self.ends.insert(end, Owner::Parameter(place));
    }

    fn attach(
        &self,
        found: &mut TypeComments,
        comment: Comment<'_>,
        before: [(TokenKind, TextSize); 2],
        closed: bool,
    ) -> Result<()> {
        let (text, range) = match comment {
            Comment::Type { text, range } => (text.to_owned(), range),
            Comment::Ignore { line, tag } => {
                found.ignores.push((line, tag));
                return Ok(());
            }
        };
        let invalid = |message: &str| Err(CompileError::syntax(message, self.adapter.position(range)));
        let [(kind, end), (earlier_kind, earlier)] = before;
        let header = match (kind, earlier_kind) {
            (TokenKind::Colon, _) => self.headers.get(&end),
            (TokenKind::Newline, TokenKind::Colon) => self.headers.get(&earlier).filter(|header| header.1),
            _ => None,
        };
        if let Some((place, _)) = header {
            return match found.of_statements.insert(*place, text) {
                None => Ok(()),
                Some(_) => invalid("Cannot have two type comments on def"),
            };
        }
        let owner = if kind == TokenKind::Comma { self.ends.get(&earlier) } else { self.ends.get(&end) };
        match owner {
            Some(Owner::Parameter(place)) if kind == TokenKind::Comma || closed => {
                found.of_parameters.insert(*place, text);
                Ok(())
            }
            Some(Owner::Assignment(place)) if kind != TokenKind::Comma => {
                found.of_statements.insert(*place, text);
                Ok(())
            }
            _ if earlier_kind == TokenKind::Star && kind == TokenKind::Comma => {
                invalid("bare * has associated type comment")
            }
            _ => invalid("invalid syntax"),
        }
    }
}

impl<'a> Visitor<'a> for Places<'_, '_> {
    fn visit_stmt(&mut self, stmt: &'a r::Stmt) {
        match stmt {
            r::Stmt::FunctionDef(def) => {
                let from =
                    def.returns.as_ref().map_or(def.parameters.range.end(), |returns| returns.range().end());
                let range = self.adapter.without_decorators(def.range, &def.decorator_list);
                self.header(from, range, true);
                self.parameters(&def.parameters);
            }
            r::Stmt::For(node) => self.header(node.iter.range().end(), node.range, false),
            r::Stmt::With(node) => {
                let from = node.items.last().map_or(node.range.start(), |item| item.range.end());
                self.header(from, node.range, false);
            }
            r::Stmt::Assign(node) => {
                let place = self.place(node.range);
                self.ends.insert(node.range.end(), Owner::Assignment(place));
            }
            _ => {}
        }
        visitor::walk_stmt(self, stmt);
    }

    /// Expressions hold no statements.
    fn visit_expr(&mut self, _expr: &'a r::Expr) {}
}

impl Places<'_, '_> {
    fn parameters(&mut self, parameters: &r::Parameters) {
        let plain = [&parameters.posonlyargs, &parameters.args, &parameters.kwonlyargs];
        for parameter in plain.into_iter().flatten() {
            self.parameter(&parameter.parameter, parameter.range.end());
        }
        for parameter in [&parameters.vararg, &parameters.kwarg].into_iter().flatten() {
            self.parameter(parameter, parameter.range.end());
        }
    }
}
