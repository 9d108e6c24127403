//! The instruction set: one documented list from which the enum, the encoder's operand roles, the disassembler
//! and the interpreter's dispatch derive.
//!
//! An instruction is a 32-bit word with the operation in its low byte. Its operands are `a` (bits 8..16), `b`
//! (16..24) and `c` (24..32); or `a` and a 16-bit `b` (16..32); or one signed 24-bit `a` (8..32). Some
//! instructions are followed by one *extension word*; the list marks them with `+`.
//!
//! Register discipline. Registers below `Code::first_temp` are locals, the others are temporaries. What must hold:
//! 1. Every register always holds a valid word; an empty one is UNBOUND (word 0). Writing a register drops what
//!    it held. An instruction writes its destination only when it has succeeded.
//! 2. A `Src` operand that is a local is read in place and stays. A `Src` operand that is a temporary is consumed: the
//!    instruction owns its value, and the register is empty afterwards (before the destination is written, so a
//!    destination may name the same register).
//! 3. A `Keep` operand stays as it is, also when it is a temporary.
//! 4. A `Win` operand is the base of consecutive temporaries that the instruction consumes, all of them. Unused slots
//!    of a window are empty before and after.
//! 5. A temporary that is not live is empty. Temporaries are allocated as a stack, and the window of a call is the
//!    highest live part of it, so a callee's frame can begin in the window.
//! 6. Offsets of jumps count words from the instruction after the jump (after its extension word). Only `JumpBack`
//!    jumps backwards; it is the safepoint of loops.
//!
//! Cache operands: the upper half of a `NameCache` extension word is the index of the first of the instruction's
//! 64-bit cache words ([`NO_CACHE`] = it has none). Globals and names use [`GLOBAL_CACHE_WORDS`] and the instructions
//! of one code object that name the same global share them; attributes use [`ATTR_CACHE_WORDS`] each.

/// The cache index that means "no cache" (a code object ran out of 16-bit indices).
pub const NO_CACHE: u16 = 0xFFFF;
/// Cache words of `LoadGlobal`, `StoreGlobal`, `LoadName` and their kin.
pub const GLOBAL_CACHE_WORDS: u32 = 2;
/// Cache words of `LoadAttr`, `StoreAttr`, `DeleteAttr`, `LoadMethod`, `LoadSuperAttr`, `LoadSuperMethod`.
pub const ATTR_CACHE_WORDS: u32 = 2;
/// The most cache words that one instruction uses.
pub const MOST_CACHE_WORDS: u32 = 2;
/// Code runs out of caches only when it has more words than this.
pub const CACHE_WORDS_LIMIT: u32 = NO_CACHE as u32 - MOST_CACHE_WORDS;

/// What an operand of an instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A register that is written.
    Dst,
    /// A register that is read: a local stays, a temporary is consumed.
    Src,
    /// A register that is read or changed in place and keeps its value.
    Keep,
    /// The base of consecutive temporaries that are all consumed.
    Win,
    /// The base of consecutive registers (temporaries, or locals) that are written.
    Out,
    /// An unsigned byte.
    U8,
    /// A signed byte.
    I8,
    /// An unsigned 16-bit number (takes the place of `b` and `c`).
    U16,
    /// A signed 16-bit number (takes the place of `b` and `c`).
    I16,
    /// A signed 24-bit jump offset in words (takes the place of `a`, `b` and `c`).
    Jump24,
}

/// What an instruction's extension word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ext {
    /// There is none.
    None,
    /// A signed 32-bit jump offset in words.
    Jump,
    /// Index into `Code::names` (low 16 bits) and first cache word (high 16 bits).
    NameCache,
    /// Index into `Code::names`.
    Name,
    /// Index into `Code::constants`.
    Const,
    /// Index into `Code::names` (low 16 bits) and index of a free variable (high 16 bits).
    NameFree,
    /// A plain number.
    U32,
}

/// What the list says about one operation.
#[derive(Debug)]
pub struct OpInfo {
    pub name: &'static str,
    /// The effect in register notation.
    pub effect: &'static str,
    pub operands: &'static [Role],
    pub ext: Ext,
}

/// Calls `$callback!` with the whole list: `/// effect` lines, then `Name(roles…) ext;` for each operation.
#[macro_export]
macro_rules! for_each_op {
    ($callback:ident) => {
        $callback! {
            // ---- registers and constants ----
            /// R[a] := R[b]
            Move(Dst, Src) None;
            /// R[a] := R[b], R[b] stays
            Copy(Dst, Keep) None;
            /// R[a], R[b] := R[b], R[a]
            Swap(Keep, Keep) None;
            /// R[a] := UNBOUND
            Drop(Dst) None;
            /// R[a] := K[b]
            LoadConst(Dst, U16) None;
            /// R[a] := K[ext]
            LoadConstX(Dst) Const;
            /// R[a] := int(b)
            LoadInt(Dst, I16) None;
            /// R[a] := None
            LoadNone(Dst) None;
            /// R[a] := True
            LoadTrue(Dst) None;
            /// R[a] := False
            LoadFalse(Dst) None;
            /// R[a] := the object numbered b in `CommonConstant`
            LoadCommon(Dst, U16) None;
            /// raise UnboundLocalError naming `Code::local_names[b]` if R[a] is UNBOUND
            CheckBound(Keep, U16) None;
            /// R[a] := UNBOUND; raise UnboundLocalError naming `Code::local_names[b]` if it was UNBOUND already
            DeleteFast(Keep, U16) None;

            // ---- spilled locals: elements of the array that R[Code::spill_register] holds ----
            /// R[a] := spill[b]; raise UnboundLocalError naming `Code::spilled[b]` if that is UNBOUND
            LoadSpill(Dst, U16) None;
            /// spill[b] := R[a]
            StoreSpill(Src, U16) None;
            /// spill[a] := UNBOUND; raise UnboundLocalError if it was UNBOUND already
            DeleteSpill(U8, U16) None;

            /// R[a] := spill[b], the cell itself
            LoadSpillCell(Dst, U16) None;
            /// spill[i] := R[i] for all i < b, which are empty then (a is unused)
            SpillParams(U8, U16) None;

            /// R[a] := an array (as of spilled locals) of R[b], …, R[b+c-1], of which some may be UNBOUND. Window of c.
            SaveTemps(Dst, Win, U8) None;
            /// R[a], …, R[a+c-1] := the elements of the array R[b], some of which may be UNBOUND
            RestoreTemps(Out, Src, U8) None;

            // ---- cells and free variables ----
            /// R[a] := cell(R[a]) (the cell is empty if R[a] is UNBOUND)
            MakeCell(Keep) None;
            /// R[a] := R[b].contents; raise UnboundLocalError naming `Code::local_names[b]` if the cell is empty
            LoadCell(Dst, Keep) None;
            /// R[a].contents := R[b]
            StoreCell(Keep, Src) None;
            /// empty the cell R[a]; raise UnboundLocalError if it was empty
            DeleteCell(Keep) None;
            /// R[a] := closure[b].contents; raise NameError naming `Code::freevars[b]` if the cell is empty
            LoadFree(Dst, U16) None;
            /// closure[b].contents := R[a]
            StoreFree(Src, U16) None;
            /// empty the cell closure[b]; raise NameError if it was empty (a is unused)
            DeleteFree(U8, U16) None;
            /// R[a] := closure[b], the cell itself
            LoadFreeCell(Dst, U16) None;

            // ---- globals and namespaces ----
            /// R[a] := globals[name] or builtins[name], else NameError
            LoadGlobal(Dst) NameCache;
            /// globals[name] := R[a]
            StoreGlobal(Src) NameCache;
            /// del globals[name], else NameError
            DeleteGlobal() NameCache;
            /// R[a] := namespace[name] or globals[name] or builtins[name], else NameError
            LoadName(Dst) NameCache;
            /// namespace[name] := R[a]
            StoreName(Src) NameCache;
            /// del namespace[name], else NameError
            DeleteName() NameCache;
            /// R[a] := the frame's namespace (class body's or module's mapping; in a function a snapshot of its locals)
            LoadLocals(Dst) None;
            /// R[a] := R[b][name] if the mapping R[b] has it, else closure[free].contents
            LoadFromDictOrFree(Dst, Src) NameFree;
            /// R[a] := R[b][name] if the mapping R[b] has it, else R[c].contents (R[c] is a cell)
            LoadFromDictOrCell(Dst, Src, Keep) Name;
            /// R[a] := R[b][name] if the mapping R[b] has it, else globals[name] or builtins[name]
            LoadFromDictOrGlobal(Dst, Src) NameCache;
            /// namespace.setdefault('__annotations__', {}) (only with `from __future__ import annotations`)
            SetupAnnotations() None;

            // ---- attributes ----
            /// R[a] := R[b].name
            LoadAttr(Dst, Src) NameCache;
            /// R[a].name := R[b]
            StoreAttr(Src, Src) NameCache;
            /// del R[a].name
            DeleteAttr(Src) NameCache;
            /// R[a], R[a+1] := function, R[b] if R[b].name is a method found on its type; else R[b].name, UNBOUND
            LoadMethod(Out, Src) NameCache;
            /// R[a] := super(R[b+1], R[b+2]).name where R[b] is what the name `super` gave (if that is not the built-in
            /// `super`, call it: with no arguments if c is 0, with both if c is 1). Window of 3.
            LoadSuperAttr(Dst, Win, U8) NameCache;
            /// R[a], R[a+1] := method, self or value, UNBOUND, as LoadMethod of LoadSuperAttr's object; a may equal b
            LoadSuperMethod(Out, Win, U8) NameCache;

            // ---- calls ----
            /// R[a] := R[b](self, R[b+2], …, R[b+1+c]); self = R[b+1] is left out if UNBOUND. Window of 2 + c.
            Call(Dst, Win, U8) None;
            /// as Call; the last len(K[ext]) of the c arguments are keyword arguments with the names K[ext] (a tuple)
            CallKw(Dst, Win, U8) Const;
            /// R[a] := R[b](*R[b+2], **R[b+3]); R[b+2] is any iterable, R[b+3] any mapping or UNBOUND, R[b+1] is the
            /// self argument or UNBOUND. Window of 4. (c is unused.)
            CallEx(Dst, Win, U8) None;
            /// return R[a]; every register of the frame is dropped
            Return(Src) None;
            /// return None
            ReturnNone() None;

            // ---- arithmetic ----
            /// R[a] := R[b] + R[c]
            Add(Dst, Src, Src) None;
            /// R[a] := R[b] - R[c]
            Sub(Dst, Src, Src) None;
            /// R[a] := R[b] * R[c]
            Mul(Dst, Src, Src) None;
            /// R[a] := R[b] @ R[c]
            MatMul(Dst, Src, Src) None;
            /// R[a] := R[b] / R[c]
            TrueDiv(Dst, Src, Src) None;
            /// R[a] := R[b] // R[c]
            FloorDiv(Dst, Src, Src) None;
            /// R[a] := R[b] % R[c]
            Mod(Dst, Src, Src) None;
            /// R[a] := R[b] ** R[c]
            Pow(Dst, Src, Src) None;
            /// R[a] := R[b] << R[c]
            LShift(Dst, Src, Src) None;
            /// R[a] := R[b] >> R[c]
            RShift(Dst, Src, Src) None;
            /// R[a] := R[b] & R[c]
            And(Dst, Src, Src) None;
            /// R[a] := R[b] | R[c]
            Or(Dst, Src, Src) None;
            /// R[a] := R[b] ^ R[c]
            Xor(Dst, Src, Src) None;
            /// R[a] := R[b] += R[c]
            InplaceAdd(Dst, Src, Src) None;
            /// R[a] := R[b] -= R[c]
            InplaceSub(Dst, Src, Src) None;
            /// R[a] := R[b] *= R[c]
            InplaceMul(Dst, Src, Src) None;
            /// R[a] := R[b] @= R[c]
            InplaceMatMul(Dst, Src, Src) None;
            /// R[a] := R[b] /= R[c]
            InplaceTrueDiv(Dst, Src, Src) None;
            /// R[a] := R[b] //= R[c]
            InplaceFloorDiv(Dst, Src, Src) None;
            /// R[a] := R[b] %= R[c]
            InplaceMod(Dst, Src, Src) None;
            /// R[a] := R[b] **= R[c]
            InplacePow(Dst, Src, Src) None;
            /// R[a] := R[b] <<= R[c]
            InplaceLShift(Dst, Src, Src) None;
            /// R[a] := R[b] >>= R[c]
            InplaceRShift(Dst, Src, Src) None;
            /// R[a] := R[b] &= R[c]
            InplaceAnd(Dst, Src, Src) None;
            /// R[a] := R[b] |= R[c]
            InplaceOr(Dst, Src, Src) None;
            /// R[a] := R[b] ^= R[c]
            InplaceXor(Dst, Src, Src) None;
            /// R[a] := R[b] + int(c)
            AddI(Dst, Src, I8) None;
            /// R[a] := R[b] - int(c)
            SubI(Dst, Src, I8) None;
            /// R[a] := R[b] * int(c)
            MulI(Dst, Src, I8) None;
            /// R[a] := R[b] // int(c)
            FloorDivI(Dst, Src, I8) None;
            /// R[a] := R[b] % int(c)
            ModI(Dst, Src, I8) None;
            /// R[a] := R[b] & int(c)
            AndI(Dst, Src, I8) None;
            /// R[a] := R[b] += int(c)
            InplaceAddI(Dst, Src, I8) None;
            /// R[a] := R[b] -= int(c)
            InplaceSubI(Dst, Src, I8) None;
            /// R[a] := -R[b]
            Neg(Dst, Src) None;
            /// R[a] := +R[b]
            Pos(Dst, Src) None;
            /// R[a] := ~R[b]
            Invert(Dst, Src) None;
            /// R[a] := not R[b]
            Not(Dst, Src) None;

            // ---- comparisons ----
            /// R[a] := R[b] < R[c]
            Lt(Dst, Src, Src) None;
            /// R[a] := R[b] <= R[c]
            Le(Dst, Src, Src) None;
            /// R[a] := R[b] > R[c]
            Gt(Dst, Src, Src) None;
            /// R[a] := R[b] >= R[c]
            Ge(Dst, Src, Src) None;
            /// R[a] := R[b] == R[c]
            Eq(Dst, Src, Src) None;
            /// R[a] := R[b] != R[c]
            Ne(Dst, Src, Src) None;
            /// R[a] := R[b] is R[c]
            Is(Dst, Src, Src) None;
            /// R[a] := R[b] is not R[c]
            IsNot(Dst, Src, Src) None;
            /// R[a] := R[b] in R[c]
            In(Dst, Src, Src) None;
            /// R[a] := R[b] not in R[c]
            NotIn(Dst, Src, Src) None;
            /// R[a] := R[b] < int(c)
            LtI(Dst, Src, I8) None;
            /// R[a] := R[b] <= int(c)
            LeI(Dst, Src, I8) None;
            /// R[a] := R[b] > int(c)
            GtI(Dst, Src, I8) None;
            /// R[a] := R[b] >= int(c)
            GeI(Dst, Src, I8) None;
            /// R[a] := R[b] == int(c)
            EqI(Dst, Src, I8) None;
            /// R[a] := R[b] != int(c)
            NeI(Dst, Src, I8) None;

            // ---- jumps ----
            /// pc += a (a >= 0)
            Jump(Jump24) None;
            /// pc += a (a < 0); safepoint
            JumpBack(Jump24) None;
            /// if truth(R[a]): pc += ext
            JumpIfTrue(Src) Jump;
            /// if not truth(R[a]): pc += ext
            JumpIfFalse(Src) Jump;
            /// if truth(R[a]): pc += ext, R[a] stays; else R[a] := UNBOUND (R[a] is a temporary)
            JumpIfTrueOrDrop(Keep) Jump;
            /// if not truth(R[a]): pc += ext, R[a] stays; else R[a] := UNBOUND (R[a] is a temporary)
            JumpIfFalseOrDrop(Keep) Jump;
            /// if R[a] is None: pc += ext
            JumpIfNone(Src) Jump;
            /// if R[a] is not None: pc += ext
            JumpIfNotNone(Src) Jump;
            /// if truth(R[a] < R[b]) == (c != 0): pc += ext
            JumpLt(Src, Src, U8) Jump;
            /// if truth(R[a] <= R[b]) == (c != 0): pc += ext
            JumpLe(Src, Src, U8) Jump;
            /// if truth(R[a] > R[b]) == (c != 0): pc += ext
            JumpGt(Src, Src, U8) Jump;
            /// if truth(R[a] >= R[b]) == (c != 0): pc += ext
            JumpGe(Src, Src, U8) Jump;
            /// if truth(R[a] == R[b]) == (c != 0): pc += ext
            JumpEq(Src, Src, U8) Jump;
            /// if truth(R[a] != R[b]) == (c != 0): pc += ext
            JumpNe(Src, Src, U8) Jump;
            /// if (R[a] is R[b]) == (c != 0): pc += ext
            JumpIs(Src, Src, U8) Jump;
            /// if (R[a] in R[b]) == (c != 0): pc += ext
            JumpIn(Src, Src, U8) Jump;
            /// if truth(R[a] < int(b)) == (c != 0): pc += ext
            JumpLtI(Src, I8, U8) Jump;
            /// if truth(R[a] <= int(b)) == (c != 0): pc += ext
            JumpLeI(Src, I8, U8) Jump;
            /// if truth(R[a] > int(b)) == (c != 0): pc += ext
            JumpGtI(Src, I8, U8) Jump;
            /// if truth(R[a] >= int(b)) == (c != 0): pc += ext
            JumpGeI(Src, I8, U8) Jump;
            /// if truth(R[a] == int(b)) == (c != 0): pc += ext
            JumpEqI(Src, I8, U8) Jump;
            /// if truth(R[a] != int(b)) == (c != 0): pc += ext
            JumpNeI(Src, I8, U8) Jump;

            // ---- containers ----
            /// R[a] := (R[b], …, R[b+c-1]). Window of c.
            BuildTuple(Dst, Win, U8) None;
            /// R[a] := [R[b], …, R[b+c-1]]. Window of c.
            BuildList(Dst, Win, U8) None;
            /// R[a] := {R[b], …, R[b+c-1]}. Window of c.
            BuildSet(Dst, Win, U8) None;
            /// R[a] := {R[b]: R[b+1], …}, c pairs. Window of 2c.
            BuildMap(Dst, Win, U8) None;
            /// R[a] := ''.join(R[b], …, R[b+c-1]), which are all str. Window of c.
            BuildString(Dst, Win, U8) None;
            /// R[a] := slice(R[b], R[b+1]) if c is 2, slice(R[b], R[b+1], R[b+2]) if c is 3. Window of c.
            BuildSlice(Dst, Win, U8) None;
            /// R[a].append(R[b]); R[a] is a list
            ListAppend(Keep, Src) None;
            /// R[a].extend(R[b]); R[a] is a list; TypeError "Value after * must be an iterable, not X"
            ListExtend(Keep, Src) None;
            /// R[a] := tuple(R[b]); R[b] is a list
            ListToTuple(Dst, Src) None;
            /// R[a].add(R[b]); R[a] is a set
            SetAdd(Keep, Src) None;
            /// R[a].update(R[b]); R[a] is a set
            SetUpdate(Keep, Src) None;
            /// R[a][R[b]] := R[c]; R[a] is a dict
            MapAdd(Keep, Src, Src) None;
            /// R[a].update(R[b]) as in {**R[b]}; TypeError "'X' object is not a mapping"
            DictUpdate(Keep, Src) None;
            /// R[a].update(R[b]) as in f(**R[b]): a repeated key is a TypeError that names the callable R[c]
            DictMerge(Keep, Src, Keep) None;
            /// R[a] := R[b][R[c]]
            GetItem(Dst, Src, Src) None;
            /// R[a] := R[b][int(c)]
            GetItemI(Dst, Src, I8) None;
            /// R[a][R[b]] := R[c]
            SetItem(Src, Src, Src) None;
            /// del R[a][R[b]]
            DelItem(Src, Src) None;
            /// R[a], …, R[a+c-1] := R[b], exactly c items
            UnpackSequence(Out, Src, U8) None;
            /// R[a], …, R[a+c+ext] := R[b]: c items, a list of the middle ones, ext items
            UnpackEx(Out, Src, U8) U32;

            // ---- strings ----
            /// R[a] := str(R[b]), repr(R[b]) or ascii(R[b]) for c = b's', b'r', b'a'
            ConvertValue(Dst, Src, U8) None;
            /// R[a] := format(R[b], '')
            FormatSimple(Dst, Src) None;
            /// R[a] := format(R[b], R[c])
            FormatWithSpec(Dst, Src, Src) None;
            /// R[a] := Interpolation(R[b], R[b+1], conversion c (0 or b's', b'r', b'a'), R[b+2]). Window of 3.
            BuildInterpolation(Dst, Win, U8) None;
            /// R[a] := Template of the strings R[b] (a tuple) and the interpolations R[c] (a tuple)
            BuildTemplate(Dst, Src, Src) None;

            // ---- iteration, generators, coroutines ----
            /// R[a] := iter(R[b])
            GetIter(Dst, Src) None;
            /// R[a] := next(R[b]); when exhausted R[b] := UNBOUND and pc += ext
            ForIter(Dst, Keep) Jump;
            /// make the generator (coroutine, asynchronous generator) of this frame and return it; first instruction of
            /// such code. The first resumption continues after it.
            ReturnGenerator() None;
            /// yield R[b]; R[a] := the value sent in. In an asynchronous generator the value is wrapped so that the
            /// driver can tell it from what an `await` passes on.
            Yield(Dst, Src) None;
            /// `yield from` and `await`: send None to the iterator R[b], later what is sent in. As long as it yields, pass
            /// the value on and stay at this instruction; throw() and close() go to R[b] first. When it finishes with
            /// a value: R[b] := UNBOUND, R[a] := value. R[b] is gi_yieldfrom / cr_await meanwhile.
            Delegate(Dst, Keep) None;
            /// R[a] := the iterator to await R[b]; c: 0 plain, 1 from `__aenter__`, 2 from `__aexit__` (for messages)
            GetAwaitable(Dst, Src, U8) None;
            /// R[a] := R[b] if it is a generator (or a coroutine where that may be), else iter(R[b])
            GetYieldFromIter(Dst, Src) None;
            /// R[a] := R[b].__aiter__()
            GetAiter(Dst, Src) None;
            /// R[a] := the iterator to await R[b].__anext__()
            GetAnext(Dst, Keep) None;
            /// if the exception R[a] is a StopAsyncIteration: R[a], R[b] := UNBOUND, else raise it again (as Reraise)
            EndAsyncFor(Keep, Keep) None;

            // ---- exceptions ----
            /// R[a] := handled exception of the thread (or None); handled exception := R[b]
            PushHandled(Dst, Keep) None;
            /// handled exception := R[a]
            PopHandled(Src) None;
            /// R[a] := R[b] matches R[c] (a class or tuple of classes; TypeError for anything else)
            MatchException(Dst, Keep, Src) None;
            /// split the exception (group) R[b] by R[c]: R[a] := rest or None, R[a+1] := match or None. When it matches
            /// the match becomes the handled exception.
            MatchExceptStar(Out, Src, Src) None;
            /// R[a] := the exception to raise at the end of try-except* (or None) from the original exception R[b] and
            /// the list R[c] of what the clauses raised and left
            PrepareReraiseStar(Dst, Src, Src) None;
            /// raise R[a]
            Raise(Src) None;
            /// raise R[a] from R[b]
            RaiseFrom(Src, Src) None;
            /// raise the handled exception, RuntimeError "No active exception to reraise" if there is none
            RaiseCurrent() None;
            /// raise R[a] again, with its traceback as it is
            Reraise(Src) None;
            /// R[a], R[a+1] := special method c (`SpecialMethod`) of R[b], self or UNBOUND; a may equal b
            LoadSpecialMethod(Out, Keep, U8) None;
            /// R[a] := R[b](self R[b+1] unless UNBOUND, type(R[c]), R[c], R[c].__traceback__); R[b] and R[b+1] stay
            WithExceptStart(Dst, Keep, Keep) None;

            // ---- functions and classes ----
            /// R[a] := function of the code K[b]
            MakeFunction(Dst, U16) None;
            /// attribute c (`FunctionAttr`) of the function R[a] := R[b]
            SetFunctionAttr(Keep, Src, U8) None;
            /// R[a] := builtins.__build_class__
            LoadBuildClass(Dst) None;

            // ---- imports ----
            /// R[a] := __import__(name, globals, namespace, fromlist = R[c], level = R[b])
            ImportName(Dst, Src, Src) Name;
            /// R[a] := attribute name of the module R[b], or the submodule of that name; else ImportError
            ImportFrom(Dst, Keep) Name;
            /// namespace.update(public names of the module R[a])
            ImportStar(Src) None;

            // ---- match ----
            /// R[a] := R[b] is a sequence for patterns
            MatchSequence(Dst, Keep) None;
            /// R[a] := R[b] is a mapping for patterns
            MatchMapping(Dst, Keep) None;
            /// R[a] := tuple of the values of R[b] at the keys R[c] (a tuple), or None if one is missing
            MatchKeys(Dst, Keep, Keep) None;
            /// R[a] := tuple of the attributes that the class pattern extracts, or None; R[b] subject, R[b+1] class, R[b+2]
            /// tuple of keyword names, ext positional patterns. Window of 3.
            MatchClass(Dst, Win) U32;
            /// R[a] := len(R[b])
            GetLen(Dst, Keep) None;

            // ---- rare ----
            /// R[a] := intrinsic c (`Intrinsic1`) of R[b]
            Intrinsic1(Dst, Src, U8) None;
            /// R[a] := intrinsic ext (`Intrinsic2`) of R[b] and R[c]
            Intrinsic2(Dst, Src, Src) U32;
            /// Nothing. (The last one is an operation that the interpreter's loop does itself: then its table of jumps is
            /// complete, and needs no check.)
            Nop() None;
        }
    };
}

macro_rules! define_ops {
    ($( $(#[doc = $doc:literal])+ $name:ident($($role:ident),*) $ext:ident; )+) => {
        /// An operation. The comment of each is its effect; `R` are registers, `K` are constants.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Op {
            $( $(#[doc = $doc])+ $name, )+
        }

        impl Op {
            /// Every operation, in the order of their numbers.
            pub const ALL: &'static [Op] = &[ $( Op::$name, )+ ];
        }

        static INFO: &[OpInfo] = &[
            $( OpInfo {
                name: stringify!($name),
                effect: concat!($($doc),+),
                operands: &[$(Role::$role),*],
                ext: Ext::$ext,
            }, )+
        ];
    };
}

for_each_op!(define_ops);

impl Op {
    /// The operation with this number, if there is one.
    #[inline]
    pub fn from_byte(byte: u8) -> Option<Op> {
        Op::ALL.get(usize::from(byte)).copied()
    }

    /// What the list says about it.
    #[inline]
    pub fn info(self) -> &'static OpInfo {
        &INFO[self as usize]
    }

    /// Whether an extension word follows.
    #[inline]
    pub fn has_ext(self) -> bool {
        self.info().ext != Ext::None
    }
}

/// One instruction word, and the access to its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(pub u32);

impl Word {
    /// An instruction with three byte operands.
    #[inline]
    pub fn abc(op: Op, a: u8, b: u8, c: u8) -> Word {
        Word(op as u32 | u32::from(a) << 8 | u32::from(b) << 16 | u32::from(c) << 24)
    }

    /// An instruction with a byte and a 16-bit operand.
    #[inline]
    pub fn abx(op: Op, a: u8, bx: u16) -> Word {
        Word(op as u32 | u32::from(a) << 8 | u32::from(bx) << 16)
    }

    /// An instruction with a 24-bit operand; its upper byte is lost.
    #[inline]
    pub fn a24(op: Op, a: i32) -> Word {
        Word(op as u32 | (a as u32) << 8)
    }

    /// The operation's number.
    #[inline]
    pub fn op_byte(self) -> u8 {
        self.0 as u8
    }
    #[inline]
    pub fn a(self) -> u8 {
        (self.0 >> 8) as u8
    }
    #[inline]
    pub fn b(self) -> u8 {
        (self.0 >> 16) as u8
    }
    #[inline]
    pub fn c(self) -> u8 {
        (self.0 >> 24) as u8
    }
    /// The unsigned 16-bit operand.
    #[inline]
    pub fn bx(self) -> u16 {
        (self.0 >> 16) as u16
    }
    /// The signed 16-bit operand.
    #[inline]
    pub fn sbx(self) -> i16 {
        (self.0 >> 16) as i16
    }
    /// The signed 24-bit operand.
    #[inline]
    pub fn a24s(self) -> i32 {
        (self.0 as i32) >> 8
    }
}

/// Declares a small enum whose numbers are operands of instructions, with the way back from the number.
macro_rules! operand_enum {
    ($(#[$meta:meta])* $name:ident { $( $(#[$vmeta:meta])* $variant:ident, )+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $( $(#[$vmeta])* $variant, )+ }

        impl $name {
            /// Every variant, in the order of their numbers.
            pub const ALL: &'static [$name] = &[ $( $name::$variant, )+ ];

            /// The variant with this number, if there is one.
            #[inline]
            pub fn from_byte(byte: u8) -> Option<$name> {
                Self::ALL.get(usize::from(byte)).copied()
            }
        }
    };
}

operand_enum! {
    /// What `LoadCommon` loads.
    CommonConstant {
        /// The class AssertionError, whatever its name is bound to.
        AssertionError,
        /// The class NotImplementedError.
        NotImplementedError,
        Ellipsis,
        NotImplemented,
    }
}

operand_enum! {
    /// What `LoadSpecialMethod` looks up on the type.
    SpecialMethod { Enter, Exit, AsyncEnter, AsyncExit, }
}

operand_enum! {
    /// What `SetFunctionAttr` sets.
    FunctionAttr {
        /// A tuple of defaults of the last positional parameters.
        Defaults,
        /// A dict of defaults of keyword-only parameters.
        KwDefaults,
        /// A dict, or a tuple name, value, name, value, … (only with `from __future__ import annotations`).
        Annotations,
        /// A tuple of cells, in the order of the code's `freevars`.
        Closure,
        /// The function that computes the annotations (PEP 649).
        Annotate,
    }
}

operand_enum! {
    /// What `Intrinsic1` computes.
    Intrinsic1 {
        /// sys.displayhook(R[b]); gives None. Interactive expression statements.
        Print,
        /// TypeVar named R[b] (PEP 695)
        TypeVar,
        ParamSpec,
        TypeVarTuple,
        /// Generic[*R[b]] for the tuple of type parameters R[b]
        SubscriptGeneric,
        /// TypeAliasType of the tuple (name, type parameters or None, function that computes the value)
        TypeAlias,
    }
}

operand_enum! {
    /// What `Intrinsic2` computes.
    Intrinsic2 {
        /// TypeVar named R[b] whose bound the function R[c] computes
        TypeVarWithBound,
        /// TypeVar named R[b] whose constraints the function R[c] computes
        TypeVarWithConstraints,
        /// R[b].__type_params__ := R[c]; gives the function R[b]
        SetFunctionTypeParams,
        /// default of the type parameter R[b] := the function R[c] that computes it; gives the type parameter
        SetTypeParamDefault,
        /// tuple of the items of R[b], exactly R[c] of them
        UnpackExact,
        /// tuple of the items of R[b]: the first R[c][0], a list of the middle ones, the last R[c][1]
        UnpackStar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_there_and_back() {
        assert!(Op::ALL.len() < 200);
        for (i, op) in Op::ALL.iter().enumerate() {
            assert_eq!(*op as usize, i);
            assert_eq!(op.info().name, format!("{op:?}"));
        }
        assert_eq!(Word::a24(Op::JumpBack, -7).a24s(), -7);
        assert_eq!(Word::abx(Op::LoadInt, 3, -5i16 as u16).sbx(), -5);
    }
}
