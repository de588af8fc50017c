//! Where a changed model is written: on the model itself, or to another file; and what must not be lost there.

use std::path::Path;

use anyhow::ensure;
use patchcore::{Model, Save, Threshold};

use crate::output;
use crate::write_plan::{Kind, WritePlan};

/// The file that a command writes which changes `model`: itself, unless another one is named. `plan` has what else is read.
///
/// # Errors
/// What lands on an input, or replaces what is there and not to be replaced.
pub fn target<'p>(plan: WritePlan, model: &'p Path, output: Option<&'p Path>, force: bool) -> anyhow::Result<&'p Path> {
    let Some(output) = output else {
        plan.changed(model)?;
        return Ok(model);
    };
    plan.reads([model]).file(output, Kind::Model)?;
    check_thresholds(output, force)?;
    Ok(output)
}

/// Refuses to replace a model whose thresholds would be lost, unless `force` says so; then they are named.
///
/// # Errors
/// Such a model, and what cannot be looked at.
pub fn check_thresholds(output: &Path, force: bool) -> anyhow::Result<()> {
    let Some(lost) = lost_thresholds(output)? else { return Ok(()) };
    let shown = output.display();
    ensure!(
        force,
        "cannot write {shown}: the model there {lost}, which a new one does not have; name another file, or replace it with --force"
    );
    output::note(&format!("{shown}: replaced, though the model there {lost}"));
    Ok(())
}

/// What a model that is there has and a new one does not, in words; nothing where there is none, or none to lose.
fn lost_thresholds(output: &Path) -> anyhow::Result<Option<String>> {
    if !output.is_file() || !Kind::Model.made(output)? || std::fs::metadata(output)?.len() == 0 {
        return Ok(None);
    }
    let Ok(old) = Model::read(output) else { return Ok(Some("cannot be read and may have thresholds".to_owned())) };
    let thresholds = old.sections.thresholds.unwrap_or_default();
    let said = |(name, Threshold { value, origin })| format!("the {name} threshold {value} ({origin})");
    let said: Vec<String> = thresholds.named().map(said).collect();
    Ok((!said.is_empty()).then(|| format!("has {}", said.join(" and "))))
}

/// With its network's weights where one of the models has them that it was made of.
///
/// # Errors
/// A model file that cannot be read.
pub fn save_like<'p>(models: impl IntoIterator<Item = &'p Path>) -> anyhow::Result<Save> {
    for model in models {
        if Model::read(model)?.header.has_weights {
            return Ok(Save::WithWeights);
        }
    }
    Ok(Save::WithoutWeights)
}
