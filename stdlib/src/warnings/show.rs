//! Showing warnings.

use super::filters::{Issue, of_warnings};
use crate::support;
use orochi_objects::error::{PyResult, runtime_error, type_error};
use orochi_objects::{Ref, Thread, class_of, int, name, protocol, str};

/// Shows a warning in the way of the module `warnings`, or plainly without that.
pub(super) fn show(thread: &mut Thread, issue: &Issue, text: Ref<'_>) -> PyResult<()> {
    // The module can say where the source was allocated.
    if issue.source.is_some() {
        support::import(thread, "warnings")?;
    }
    let Some(shower) = of_warnings(thread, "_showwarnmsg")? else { return show_plainly(thread, issue, text) };
    if class_of(shower.get()).slots.tp_call().is_none() {
        return Err(type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = of_warnings(thread, "WarningMessage")? else {
        return Err(runtime_error("unable to get warnings.WarningMessage"));
    };
    let line = int::new(thread, issue.line)?;
    let source = issue.source.as_ref().map_or(Ref::NONE, |source| source.get());
    let (message, category, filename) = (issue.message.get(), issue.category.get(), issue.filename.get());
    let text = issue.source_line.as_ref().map_or(Ref::NONE, |line| line.get());
    let args = [message, category, filename, line.get(), Ref::NONE, text, source];
    let message = protocol::call(thread, class.get(), &args)?;
    protocol::call(thread, shower.get(), &[message.get()])?;
    Ok(())
}

fn show_plainly(thread: &mut Thread, issue: &Issue, text: Ref<'_>) -> PyResult<()> {
    let stderr = support::import_attr(thread, "sys", "stderr")?;
    if stderr.get().is_none() {
        return Ok(());
    }
    let category = protocol::get_attr(thread, issue.category.get(), name!("__name__"))?;
    let parts = [protocol::str(thread, issue.filename.get())?, protocol::str(thread, text)?];
    let [filename, text] = &parts;
    let mut out = format!(
        "{}:{}: {}: {}\n",
        str::display(filename.get()),
        issue.line,
        str::display(category.get()),
        str::display(text.get())
    );
    let line = match &issue.source_line {
        Some(line) => Some(line.clone()),
        None => line_of_file(thread, issue)?,
    };
    if let Some(line) = line {
        let line = protocol::str(thread, line.get())?;
        let line = str::display(line.get());
        if !line.trim().is_empty() {
            out.push_str(&format!("  {}\n", line.trim()));
        }
    }
    let out = str::new(thread, &out)?;
    protocol::call_method(thread, stderr.get(), "write", &[out.get()])?;
    Ok(())
}

/// The line of the file, if the file is there.
fn line_of_file(thread: &mut Thread, issue: &Issue) -> PyResult<Option<orochi_objects::Value>> {
    let getline = support::import_attr(thread, "linecache", "getline")?;
    let line = int::new(thread, issue.line)?;
    Ok(protocol::call(thread, getline.get(), &[issue.filename.get(), line.get()]).ok())
}
