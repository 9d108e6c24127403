//! What each thread keeps of asyncio: the loop that it runs, the task that runs, and the tasks that were made here.
//!
//! It hangs on the thread's state, not on an object that others can reach: so loops and tasks that one thread keeps to
//! itself stay local, and making or entering a task takes no lock and counts nothing atomically. Who asks for the tasks of
//! a loop stops the other threads for a moment and looks; only the tasks that it finds are published.
//!
//! Tasks lie behind weak references. A task knows its number here and takes itself out when it is done; what dies or is
//! done elsewhere is swept out when there are many.

use super::future::Future;
use super::task::Task;
use orochi_core::publish::publish;
use orochi_macros::{Trace, pyclass};
use orochi_objects::thread::{ThreadState, with_asyncio_of_others};
use orochi_objects::types::weakref::{self, PyWeakRef};
use orochi_objects::{AtomicField, Field, Guarded, Obj, Owned, PyResult, Ref, Thread, Value, make};

/// With fewer tasks than this nothing is swept.
const FEW: usize = 64;

#[derive(Trace)]
struct Tasks {
    /// Weak references.
    entries: Vec<Option<Field>>,
    free: Vec<usize>,
    /// Tasks that are started before they have a place among the others.
    eager: Vec<Field>,
    /// So many entries call for a sweep.
    sweep_at: usize,
}

/// A thread's part.
#[pyclass(name = "thread_part", module = "_asyncio", no_new, no_methods)]
#[derive(Trace)]
pub(super) struct ThreadPart {
    pub(super) running_loop: AtomicField,
    pub(super) running_task: AtomicField,
    tasks: Guarded<Tasks>,
}

impl ThreadPart {
    /// This thread's; made when it is first asked for.
    pub(super) fn of(thread: &mut Thread) -> PyResult<Owned<ThreadPart>> {
        if let Some(found) = ThreadPart::existing(thread) {
            return Ok(found);
        }
        let tasks = Tasks { entries: Vec::new(), free: Vec::new(), eager: Vec::new(), sweep_at: FEW };
        let part = ThreadPart {
            running_loop: AtomicField::empty(),
            running_task: AtomicField::empty(),
            tasks: Guarded::new(tasks),
        };
        let part = make(thread, part)?;
        ThreadState::of(thread).asyncio = Some(part.to_value());
        Ok(part)
    }

    pub(super) fn existing(thread: &Thread) -> Option<Owned<ThreadPart>> {
        ThreadState::of(thread).asyncio.as_ref()?.get().downcast::<ThreadPart>().map(Obj::to_owned)
    }

    /// Notes a task; its number.
    pub(super) fn register(thread: &mut Thread, task: Ref<'_>) -> PyResult<usize> {
        let part = ThreadPart::of(thread)?;
        let reference = weakref::to(thread, task)?;
        if part
            .tasks
            .with(&part, thread, |tasks, _| tasks.free.is_empty() && tasks.entries.len() >= tasks.sweep_at)
        {
            ThreadPart::sweep(thread, &part);
        }
        Ok(part.tasks.with(&part, thread, |tasks, owner| {
            let entry = Some(owner.store(reference));
            match tasks.free.pop() {
                Some(number) if number < tasks.entries.len() => {
                    tasks.entries[number] = entry;
                    number
                }
                _ => {
                    tasks.entries.push(entry);
                    tasks.entries.len() - 1
                }
            }
        }))
    }

    /// Takes out what is dead or done.
    fn sweep(thread: &mut Thread, part: &Obj<ThreadPart>) {
        let mut gone = Vec::new();
        for (number, reference) in ThreadPart::references(thread, part) {
            let task = upgrade(thread, &reference);
            let is_done = |task: &Value| {
                task.get().downcast::<Future>().is_some_and(|future| Future::is_done(thread, future))
            };
            if task.as_ref().is_none_or(is_done) {
                gone.push((number, reference));
            }
        }
        let taken: Vec<Option<Field>> = part.tasks.with(part, thread, |tasks, _| {
            let is_same = |entry: &Option<Field>, reference: &Value| {
                entry.as_ref().is_some_and(|entry| entry.fixed().is(reference.get()))
            };
            let mut taken = Vec::new();
            for (number, reference) in &gone {
                if let Some(entry) = tasks.entries.get_mut(*number).filter(|entry| is_same(entry, reference))
                {
                    taken.push(entry.take());
                    tasks.free.push(*number);
                }
            }
            tasks.sweep_at = (2 * (tasks.entries.len() - tasks.free.len())).max(FEW);
            taken
        });
        drop(taken);
    }

    /// The weak references, with their numbers.
    fn references(thread: &Thread, part: &Obj<ThreadPart>) -> Vec<(usize, Value)> {
        part.tasks.with(part, thread, |tasks, _| {
            let entries = tasks.entries.iter().enumerate();
            entries.filter_map(|(i, entry)| Some((i, entry.as_ref()?.load(thread)?.to_owned()))).collect()
        })
    }

    /// Takes a task out, if it is under this number here.
    pub(super) fn unregister(thread: &mut Thread, number: usize, task: Ref<'_>) {
        let Some(part) = ThreadPart::existing(thread) else { return };
        let taken = part.tasks.with(&part, thread, |tasks, _| {
            let entry = tasks.entries.get_mut(number)?;
            let reference = entry.as_ref()?.fixed().downcast::<PyWeakRef>()?;
            if !reference.is_to(task) {
                return None;
            }
            tasks.free.push(number);
            entry.take()
        });
        drop(taken);
    }

    /// Takes a task out that has no number.
    pub(super) fn unregister_any(thread: &mut Thread, task: Ref<'_>) {
        let Some(part) = ThreadPart::existing(thread) else { return };
        let mut numbers = ThreadPart::references(thread, &part).into_iter();
        let is_it = |reference: &Value| {
            reference.get().downcast::<PyWeakRef>().is_some_and(|reference| reference.is_to(task))
        };
        if let Some((number, _)) = numbers.find(|(_, reference)| is_it(reference)) {
            ThreadPart::unregister(thread, number, task);
        }
    }

    pub(super) fn register_eager(thread: &mut Thread, task: Ref<'_>) -> PyResult<()> {
        let part = ThreadPart::of(thread)?;
        part.tasks.with(&part, thread, |tasks, owner| tasks.eager.push(owner.store(task.to_owned())));
        Ok(())
    }

    pub(super) fn unregister_eager(thread: &mut Thread, task: Ref<'_>) {
        let Some(part) = ThreadPart::existing(thread) else { return };
        let taken = part.tasks.with(&part, thread, |tasks, _| {
            let at = tasks.eager.iter().rposition(|eager| eager.fixed().is(task))?;
            Some(tasks.eager.remove(at))
        });
        drop(taken);
    }

    /// All tasks here.
    fn live(thread: &Thread, part: &Obj<ThreadPart>) -> Vec<Value> {
        let mut live: Vec<Value> = part.tasks.with(part, thread, |tasks, _| {
            tasks.eager.iter().filter_map(|task| Some(task.load(thread)?.to_owned())).collect()
        });
        let references = ThreadPart::references(thread, part);
        live.extend(references.iter().filter_map(|(_, reference)| upgrade(thread, reference)));
        live
    }
}

fn upgrade(thread: &Thread, reference: &Value) -> Option<Value> {
    reference.get().downcast::<PyWeakRef>()?.upgrade(thread)
}

/// All tasks of this thread, those of other threads that may be of the loop, and those that ended threads have left.
pub(super) fn candidates(thread: &mut Thread, event_loop: Ref<'_>) -> PyResult<Vec<Value>> {
    let mut found = Vec::new();
    // The others first: a task that goes from eager to scheduled there isn't missed.
    with_asyncio_of_others(thread, |thread, part| {
        let Some(part) = part.downcast::<ThreadPart>() else { return };
        for task in ThreadPart::live(thread, part) {
            let of_another_loop = task.get().downcast::<Task>().is_some_and(|task| {
                task.future.event_loop.load(thread).is_none_or(|other| !other.is(event_loop))
            });
            if !of_another_loop {
                publish(task.get());
                found.push(task);
            }
        }
    });
    for part in left_behind(thread)? {
        if let Some(part) = part.get().downcast::<ThreadPart>() {
            found.extend(ThreadPart::live(thread, part));
        }
    }
    if let Some(part) = ThreadPart::existing(thread) {
        found.extend(ThreadPart::live(thread, &part));
    }
    Ok(found)
}

/// The task that runs on a loop of another thread.
pub(super) fn running_elsewhere(thread: &mut Thread, event_loop: Ref<'_>) -> Option<Value> {
    let mut found = None;
    with_asyncio_of_others(thread, |thread, part| {
        let Some(part) = part.downcast::<ThreadPart>() else { return };
        if part.running_loop.load(thread).is_some_and(|running| running.is(event_loop))
            && let Some(task) = part.running_task.load(thread)
        {
            publish(task);
            found = Some(task.to_owned());
        }
    });
    found
}

/// Where the parts of ended threads are kept that have tasks still.
const LEFT: &str = "_asyncio.left";

fn left_behind(thread: &mut Thread) -> PyResult<Vec<Value>> {
    let left = crate::os_support::kept_list(thread, LEFT)?;
    orochi_objects::types::list::values(thread, &left)
}

/// The thread ends: its tasks are found all the same as long as they live.
pub(super) fn leave(thread: &mut Thread, part: Owned<ThreadPart>) -> PyResult<()> {
    drop(part.running_loop.swap(&*part, thread, None));
    drop(part.running_task.swap(&*part, thread, None));
    let left = crate::os_support::kept_list(thread, LEFT)?;
    // Others may end at the same time: the list is changed part by part.
    for part in orochi_objects::types::list::values(thread, &left)? {
        if part.get().downcast::<ThreadPart>().is_none_or(|part| ThreadPart::live(thread, part).is_empty()) {
            orochi_objects::types::list::remove_object(thread, &left, part.get())?;
        }
    }
    if ThreadPart::live(thread, &part).is_empty() {
        return Ok(());
    }
    orochi_objects::types::list::push(thread, &left, part.into_value())
}
