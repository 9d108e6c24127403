//! Loading, storing and deleting names.

use super::Generator;
use super::assembler::{Reg, ident};
use crate::ast::*;
use crate::code::LocalKind;
use crate::error::Result;
use crate::opcode::Op;
use crate::symtable::{Place, Scope, ScopeKind, def, mangle};

/// Where a name is, seen from the code being compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Local(Reg),
    Spill(u16),
    Cell(Reg),
    Free(u16),
    Global,
    /// In the namespace of the frame, else global.
    Name,
    /// In the namespace of the class, else a free variable.
    NamespaceOrFree(u16),
    /// In the mapping that the free variable `__classdict__` holds, else the global.
    ClassDictOrGlobal(u16),
    /// In the mapping that the free variable `__classdict__` (first) holds, else the free variable (second).
    ClassDictOrFree(u16, u16),
    /// As that, with a cell of this frame.
    ClassDictOrCell(u16, Reg),
    /// As that, with a cell in the spill array.
    ClassDictOrSpilledCell(u16, u16),
}

impl<'t> Generator<'t> {
    pub(super) fn mangled(&mut self, name: &Ident) -> Ident {
        mangle(self.unit().private.as_ref(), name)
    }

    /// Where a mangled name is.
    pub(super) fn access(&mut self, name: &Ident) -> Access {
        let table = self.table;
        let unit = self.unit();
        let mut in_comprehension = false;
        for (id, registers) in unit.environment.iter().rev() {
            in_comprehension = true;
            let Some(symbol) = table.scope(*id).symbols.get(name) else { continue };
            match (symbol.place, registers.get(name)) {
                (Place::Local, Some(register)) => return Access::Local(*register),
                (Place::Cell, Some(register)) => return Access::Cell(*register),
                (Place::GlobalExplicit | Place::GlobalImplicit, _) => return Access::Global,
                _ => {}
            }
        }
        let scope = table.scope(unit.scope);
        let symbol = scope.symbols.get(name).copied().unwrap_or_default();
        if !scope.is_function_like() {
            return self.namespace_access(scope, name, in_comprehension);
        }
        let classdict =
            unit.free.get("__classdict__").copied().filter(|_| {
                scope.can_see_class_scope && !name.starts_with('.') && &**name != "__classdict__"
            });
        let register = unit.registers.get(name).copied();
        match symbol.place {
            Place::Local => match (register, unit.spilled.get_index_of(name)) {
                (Some(register), _) => Access::Local(register),
                (None, Some(index)) => Access::Spill(index as u16),
                (None, None) => Access::Global,
            },
            Place::Cell if register.is_none() => match (unit.spilled.get_index_of(name), classdict) {
                (Some(index), Some(dict)) if symbol.flags & def::BOUND == 0 => {
                    Access::ClassDictOrSpilledCell(dict, index as u16)
                }
                (Some(index), _) => Access::Spill(index as u16),
                (None, _) => Access::Global,
            },
            Place::Cell => match (register, classdict) {
                (Some(register), Some(dict)) if symbol.flags & def::BOUND == 0 => {
                    Access::ClassDictOrCell(dict, register)
                }
                (Some(register), _) => Access::Cell(register),
                (None, _) => Access::Global,
            },
            Place::Free => match (unit.free.get(name).copied(), classdict) {
                (Some(index), Some(dict)) if &**name != "__conditional_annotations__" => {
                    Access::ClassDictOrFree(dict, index)
                }
                (Some(index), _) => Access::Free(index),
                (None, _) => Access::Global,
            },
            Place::GlobalImplicit | Place::Unknown => match classdict {
                Some(dict) => Access::ClassDictOrGlobal(dict),
                None => Access::Global,
            },
            Place::GlobalExplicit => Access::Global,
        }
    }

    fn namespace_access(&mut self, scope: &Scope, name: &Ident, in_comprehension: bool) -> Access {
        let symbol = scope.symbols.get(name).copied().unwrap_or_default();
        let free = self.unit().free.get(name).copied();
        if in_comprehension {
            return free.map_or(Access::Global, Access::Free);
        }
        match (symbol.place, free) {
            (Place::GlobalExplicit, _) => Access::Global,
            (Place::Free, Some(index)) if symbol.flags & def::NONLOCAL != 0 => Access::Free(index),
            (Place::Free, Some(index)) if scope.kind == ScopeKind::Class => Access::NamespaceOrFree(index),
            _ => Access::Name,
        }
    }

    /// The local register of a name if it can be read in place: bound, and not assigned within expressions.
    pub(super) fn local_operand(&mut self, name: &Ident) -> Result<Option<Reg>> {
        let name = self.mangled(name);
        let Access::Local(register) = self.access(&name) else { return Ok(None) };
        let table = self.table;
        if table.scope(self.unit().scope).walrus.contains(&name) {
            return Ok(None);
        }
        self.check_bound(register, &name)?;
        Ok(Some(register))
    }

    fn check_bound(&mut self, register: Reg, name: &Ident) -> Result<()> {
        if self.asm().is_bound(register) {
            return Ok(());
        }
        let index = self.local_name_index(register, name);
        self.asm().emit_x(Op::CheckBound, register, index);
        self.note_bound(register, name);
        Ok(())
    }

    /// Marks a local bound, unless the program may unbind it.
    pub(super) fn note_bound(&mut self, register: Reg, name: &Ident) {
        let table = self.table;
        let hidden = self.unit().local_kinds.get(usize::from(register)) == Some(&LocalKind::Hidden);
        if hidden || !table.scope(self.unit().scope).unbound.contains(name) {
            self.asm().set_bound(register, true);
        }
    }

    /// The index in `local_names` for messages about a local.
    fn local_name_index(&mut self, register: Reg, name: &Ident) -> u16 {
        let unit = self.unit();
        if unit.local_names.get(usize::from(register)) == Some(name) {
            return u16::from(register);
        }
        let first = usize::from(unit.asm.first_temp);
        if let Some(index) = unit.local_names.iter().skip(first).position(|known| known == name) {
            return (first + index) as u16;
        }
        unit.local_names.push(name.clone());
        (unit.local_names.len() - 1) as u16
    }

    /// R[dst] := the name.
    pub(super) fn load_name(&mut self, name: &Ident, dst: Reg) -> Result<()> {
        let name = self.mangled(name);
        let access = self.access(&name);
        match access {
            Access::Local(register) => {
                self.check_bound(register, &name)?;
                self.asm().emit(Op::Copy, dst, register, 0);
            }
            Access::Spill(index) => self.asm().emit_x(Op::LoadSpill, dst, index),
            Access::Cell(register) => self.asm().emit(Op::LoadCell, dst, register, 0),
            Access::Free(index) => self.asm().emit_x(Op::LoadFree, dst, index),
            Access::Global => {
                let ext = self.asm().global_ext(&name)?;
                self.asm().emit_ext(Op::LoadGlobal, dst, 0, 0, ext);
            }
            Access::Name => {
                let ext = self.asm().global_ext(&name)?;
                self.asm().emit_ext(Op::LoadName, dst, 0, 0, ext);
            }
            _ => self.load_through_class(&name, access, dst)?,
        }
        Ok(())
    }

    fn load_through_class(&mut self, name: &Ident, access: Access, dst: Reg) -> Result<()> {
        let mark = self.asm().mark();
        let namespace = self.asm().temp();
        match access {
            Access::NamespaceOrFree(_) => self.asm().emit(Op::LoadLocals, namespace, 0, 0),
            Access::ClassDictOrGlobal(dict)
            | Access::ClassDictOrFree(dict, _)
            | Access::ClassDictOrCell(dict, _)
            | Access::ClassDictOrSpilledCell(dict, _) => self.asm().emit_x(Op::LoadFree, namespace, dict),
            _ => {}
        }
        match access {
            Access::NamespaceOrFree(free) | Access::ClassDictOrFree(_, free) => {
                let ext = u32::from(self.asm().name(name)?) | u32::from(free) << 16;
                self.asm().emit_ext(Op::LoadFromDictOrFree, dst, namespace, 0, ext);
            }
            Access::ClassDictOrCell(_, register) => {
                let ext = u32::from(self.asm().name(name)?);
                self.asm().emit_ext(Op::LoadFromDictOrCell, dst, namespace, register, ext);
            }
            Access::ClassDictOrSpilledCell(_, index) => {
                let cell = self.asm().temp();
                self.asm().emit_x(Op::LoadSpillCell, cell, index);
                let ext = u32::from(self.asm().name(name)?);
                self.asm().emit_ext(Op::LoadFromDictOrCell, namespace, namespace, cell, ext);
                self.asm().emit(Op::Drop, cell, 0, 0);
                self.finish(namespace, dst);
            }
            _ => {
                let ext = self.asm().global_ext(name)?;
                self.asm().emit_ext(Op::LoadFromDictOrGlobal, dst, namespace, 0, ext);
            }
        }
        self.asm().release(mark);
        Ok(())
    }

    /// The register that a value stored to this name may be computed into.
    pub(super) fn direct_target(&mut self, name: &Ident) -> Option<Reg> {
        let mangled = self.mangled(name);
        match self.access(&mangled) {
            Access::Local(register) if &**name != "__debug__" => Some(register),
            _ => None,
        }
    }

    /// The name := R[src].
    pub(super) fn store_name(&mut self, name: &Ident, src: Reg) -> Result<()> {
        if &**name == "__debug__" {
            return self.error("cannot assign to __debug__");
        }
        let name = self.mangled(name);
        match self.access(&name) {
            Access::Local(register) => {
                if register != src {
                    self.asm().emit(Op::Move, register, src, 0);
                }
                self.note_bound(register, &name);
            }
            Access::Spill(index) | Access::ClassDictOrSpilledCell(_, index) => {
                self.asm().emit_x(Op::StoreSpill, src, index);
            }
            Access::Cell(register) | Access::ClassDictOrCell(_, register) => {
                self.asm().emit(Op::StoreCell, register, src, 0);
            }
            Access::Free(index) | Access::NamespaceOrFree(index) | Access::ClassDictOrFree(_, index) => {
                self.asm().emit_x(Op::StoreFree, src, index);
            }
            Access::Global | Access::ClassDictOrGlobal(_) => {
                let ext = self.asm().global_ext(&name)?;
                self.asm().emit_ext(Op::StoreGlobal, src, 0, 0, ext);
            }
            Access::Name => {
                let ext = self.asm().global_ext(&name)?;
                self.asm().emit_ext(Op::StoreName, src, 0, 0, ext);
            }
        }
        Ok(())
    }

    /// del name.
    pub(super) fn delete_name(&mut self, name: &Ident) -> Result<()> {
        if &**name == "__debug__" {
            return self.error("cannot delete __debug__");
        }
        let name = self.mangled(name);
        match self.access(&name) {
            Access::Local(register) => {
                let index = self.local_name_index(register, &name);
                self.asm().emit_x(Op::DeleteFast, register, index);
                self.asm().set_bound(register, false);
            }
            Access::Spill(index) | Access::ClassDictOrSpilledCell(_, index) => {
                self.asm().emit_x(Op::DeleteSpill, 0, index);
            }
            Access::Cell(register) | Access::ClassDictOrCell(_, register) => {
                self.asm().emit(Op::DeleteCell, register, 0, 0);
            }
            Access::Free(index) | Access::NamespaceOrFree(index) | Access::ClassDictOrFree(_, index) => {
                self.asm().emit_x(Op::DeleteFree, 0, index);
            }
            Access::Global | Access::ClassDictOrGlobal(_) => {
                let ext = self.asm().global_ext(&name)?;
                self.asm().emit_ext(Op::DeleteGlobal, 0, 0, 0, ext);
            }
            Access::Name => {
                let ext = self.asm().global_ext(&name)?;
                self.asm().emit_ext(Op::DeleteName, 0, 0, 0, ext);
            }
        }
        Ok(())
    }

    /// Stores to the namespace of a module or class, without mangling.
    pub(super) fn store_plain_name(&mut self, name: &str, src: Reg) -> Result<()> {
        let ext = self.asm().global_ext(&ident(name))?;
        self.asm().emit_ext(Op::StoreName, src, 0, 0, ext);
        Ok(())
    }

    /// R[dst] := the cell that holds a (mangled) variable, for a closure.
    pub(super) fn load_cell_itself(&mut self, name: &Ident, dst: Reg) -> Result<()> {
        let table = self.table;
        let unit = self.unit();
        for (id, registers) in unit.environment.iter().rev() {
            if let (Some(register), Some(symbol)) = (registers.get(name), table.scope(*id).symbols.get(name))
                && symbol.place == Place::Cell
            {
                let register = *register;
                self.asm().emit(Op::Copy, dst, register, 0);
                return Ok(());
            }
        }
        let unit = self.unit();
        let own = unit.registers.get(name).copied();
        let is_cell = |register: &Reg| unit.local_kinds.get(usize::from(*register)) == Some(&LocalKind::Cell);
        if let Some(register) = own.filter(is_cell) {
            self.asm().emit(Op::Copy, dst, register, 0);
        } else if let (None, Some(index)) = (own, unit.spilled.get_index_of(name)) {
            self.asm().emit_x(Op::LoadSpillCell, dst, index as u16);
        } else if let Some(index) = unit.free.get(name).copied() {
            self.asm().emit_x(Op::LoadFreeCell, dst, index);
        } else {
            return self.error(format!("compiler error: no cell for the captured variable '{name}'"));
        }
        Ok(())
    }
}
