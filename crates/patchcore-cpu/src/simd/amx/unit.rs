//! The matrix unit in assembly.
//!
//! Each method is one instruction, and what it leaves in the tile registers is there for the next: the compiler does not know them,
//! emits no code that touches them, and keeps the order of assembly that may read or write memory. That is an assumption: nothing in
//! Rust promises it, but no code for tiles comes about without its functions, and no function of the system's libraries uses tiles, so
//! that they keep their values between two methods. `objdump` shows the encodings that the manual gives, and an emulator has run them
//! (2026-11-30); no processor has yet.

use std::arch::asm;

use super::tiles::{Shapes, Tiles};

/// The tile registers of the processor that the thread is on; the operating system moves them along with the thread.
#[derive(Debug)]
pub(crate) struct Unit(());

impl Unit {
    /// The registers of this thread.
    ///
    /// # Safety
    /// The processor has the instructions, the operating system has granted them, and while this lives no other is used on the thread.
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

// SAFETY (of every function below): the trait's contract.
impl Tiles for Unit {
    #[inline(always)]
    unsafe fn configure(&mut self, shapes: &Shapes) {
        // SAFETY: see above; 64 bytes are read.
        unsafe { asm!("ldtilecfg [{0}]", in(reg) shapes, options(nostack, preserves_flags)) }
    }

    #[inline(always)]
    unsafe fn load<const TILE: usize>(&mut self, from: *const u8, stride: usize) {
        // SAFETY: see above.
        unsafe {
            asm!("tileloadd tmm{0}, [{1} + {2}*1]", const TILE, in(reg) from, in(reg) stride, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn store<const TILE: usize>(&mut self, to: *mut u8, stride: usize) {
        // SAFETY: see above.
        unsafe {
            asm!("tilestored [{1} + {2}*1], tmm{0}", const TILE, in(reg) to, in(reg) stride, options(nostack, preserves_flags));
        }
    }

    #[inline(always)]
    unsafe fn add_bytes<const SUMS: usize, const A: usize, const B: usize>(&mut self) {
        // SAFETY: see above.
        unsafe {
            asm!("tdpbusd tmm{0}, tmm{1}, tmm{2}", const SUMS, const A, const B, options(nostack, preserves_flags))
        }
    }

    #[inline(always)]
    unsafe fn add_halves<const SUMS: usize, const A: usize, const B: usize>(&mut self) {
        // SAFETY: see above.
        unsafe {
            asm!("tdpbf16ps tmm{0}, tmm{1}, tmm{2}", const SUMS, const A, const B, options(nostack, preserves_flags))
        }
    }

    #[inline(always)]
    unsafe fn release(&mut self) {
        // SAFETY: see above.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags)) }
    }
}
