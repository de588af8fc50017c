//! What a saved model carries.

/// What goes into a model's bytes beside what was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Save {
    /// Without the network's weights: whoever loads it finds them embedded in the program, in the weights directory, or in a
    /// file. The model remembers their digest.
    WithoutWeights,
    /// With the network's weights: the bytes alone suffice.
    WithWeights,
}
