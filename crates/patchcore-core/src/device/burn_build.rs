//! What tells one build of Burn from another.

/// What tells one build of Burn from another: applications may bring later patch releases than `Cargo.lock` names. Burn does
/// not tell its version, but a type of one version is never that of another, so the identity of its tensor changes with
/// the versions of Burn, of its backends and of the compiler. `none` in a build without Burn.
pub fn burn_build() -> String {
    #[cfg(feature = "burn")]
    {
        use std::any::TypeId;
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        TypeId::of::<burn::tensor::Tensor<1>>().hash(&mut hasher);
        format!("{:08x}", hasher.finish() as u32)
    }
    #[cfg(not(feature = "burn"))]
    "none".to_owned()
}
