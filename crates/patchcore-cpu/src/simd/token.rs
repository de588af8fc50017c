//! What this processor has, as values that prove it.
//!
//! A token such as [`Avx512F`] comes from [`Token::detect`] alone, which asks the processor. Whoever holds one may call code
//! that is compiled for its instructions.

/// The proof that this processor has certain instructions.
pub(crate) trait Token: Copy {
    /// The token, if the processor has them.
    fn detect() -> Option<Self>;
}

macro_rules! tokens {
    ($($(#[$meta:meta])* $name:ident: $($feature:tt),+;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) struct $name(());

        impl Token for $name {
            fn detect() -> Option<Self> {
                #[cfg(target_arch = "x86_64")]
                let found = $(is_x86_feature_detected!($feature))&&+;
                #[cfg(not(target_arch = "x86_64"))]
                let found = false;
                found.then_some(Self(()))
            }
        }
    )*};
}

tokens! {
    /// AVX2.
    Avx2: "avx2";
    /// AVX2 and FMA.
    Avx2Fma: "avx2", "fma";
    /// The foundation of AVX-512.
    Avx512F: "avx512f";
    /// AVX-512 with the byte and word, vector length and VNNI extensions.
    Avx512Vnni: "avx512f", "avx512bw", "avx512vl", "avx512vnni";
}
