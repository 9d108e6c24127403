//! The order of finalizers: an object's runs before those of what it refers to, as far as cycles allow. So a buffer is flushed
//! before the file that it writes to is closed.

use crate::header::Header;
use crate::object::trace_object;
use crate::value::Value;
use std::collections::HashMap;
use std::ptr::NonNull;

/// More objects than this stay as they are: ordering them would take too long while others wait.
const MOST: usize = 1 << 17;

/// Puts objects before those that they refer to, if more than one has a finalizer.
///
/// # Safety
/// Nobody changes the objects meanwhile.
pub(super) unsafe fn owners_first(objects: Vec<Value>) -> Vec<Value> {
    let has_finalizer =
        |object: &&Value| object.get().heap_class().is_some_and(|class| class.fields.has_finalizer());
    if objects.len() > MOST || objects.iter().filter(has_finalizer).nth(1).is_none() {
        return objects;
    }
    let headers = objects.iter().filter_map(|object| object.get().header()).map(NonNull::from);
    let places: HashMap<NonNull<Header>, usize> =
        headers.enumerate().map(|(i, header)| (header, i)).collect();
    if places.len() != objects.len() {
        return objects;
    }
    let targets = |at: usize| {
        let mut targets = Vec::new();
        if let Some(header) = objects[at].get().header() {
            // SAFETY: owned, so alive; the caller's contract.
            unsafe {
                trace_object(NonNull::from(header), &mut |field| {
                    targets.extend(field.target().and_then(|target| places.get(&target)));
                });
            }
        }
        targets
    };
    let order = postorder(objects.len(), targets);
    let mut objects: Vec<Option<Value>> = objects.into_iter().map(Some).collect();
    order.into_iter().rev().filter_map(|at| objects[at].take()).collect()
}

/// All numbers below `n`, each after those that can be reached from it, but for cycles.
fn postorder(n: usize, targets: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut order = Vec::with_capacity(n);
    let mut seen = vec![false; n];
    // From the last one, so that what is independent stays in its order.
    for root in (0..n).rev() {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut path = vec![(root, targets(root))];
        while let Some((at, left)) = path.last_mut() {
            match left.pop() {
                Some(next) if !std::mem::replace(&mut seen[next], true) => path.push((next, targets(next))),
                Some(_) => {}
                None => {
                    order.push(*at);
                    path.pop();
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::postorder;

    #[test]
    fn what_is_referred_to_comes_first() {
        let edges: [&[usize]; 6] = [&[], &[0], &[3, 1], &[2], &[], &[5]];
        let order = postorder(edges.len(), |at| edges[at].to_vec());
        let place = |wanted| order.iter().position(|at| *at == wanted);
        assert_eq!(order.len(), edges.len());
        assert!(place(0) < place(1) && place(1) < place(2));
        // Backwards, what is independent is in its order.
        assert!(place(5) < place(4) && place(4) < place(2));
    }
}
