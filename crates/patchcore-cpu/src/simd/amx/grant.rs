//! Whether the processor has the matrix unit, and the operating system's leave to use it.

use std::arch::x86_64::{__cpuid, __cpuid_count, __get_cpuid_max, _xgetbv};

/// Whether the processor has tiles of the usual size with products of bytes and `bf16`, and the operating system keeps their state.
///
/// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18 ("Programming with Intel AMX"), and
/// `CPUID` in volume 2.
#[allow(unused_unsafe, reason = "later compilers take `CPUID` for safe")]
pub(super) fn is_there() -> bool {
    // SAFETY: every processor of this architecture has `CPUID`.
    let (last, _) = unsafe { __get_cpuid_max(0) };
    if last < 0x1d {
        return false;
    }
    // SAFETY: as above; the leaves are below the last.
    let (features, tiles, kept) = unsafe { (__cpuid_count(7, 0), __cpuid_count(0x1d, 1), __cpuid(1)) };
    let bits = |of: u32, wanted: &[u32]| wanted.iter().all(|bit| of >> bit & 1 == 1);
    // Products of `bf16`, tiles, products of bytes.
    let has = bits(features.edx, &[22, 24, 25]);
    // Of palette 1: bytes of all tiles and of one, bytes of a row and number of tiles, rows.
    let shape = tiles.eax == 1024 << 16 | 8192 && tiles.ebx == 8 << 16 | 64 && tiles.ecx & 0xffff == 16;
    // `XSAVE` is there and in use: then `XGETBV` is.
    has && shape && bits(kept.ecx, &[26, 27]) && {
        // SAFETY: looked at above.
        let state = unsafe { state() };
        // The shapes of tiles, and their data.
        state >> 17 & 0b11 == 0b11
    }
}

/// Which state the operating system keeps (`XCR0`).
#[target_feature(enable = "xsave")]
fn state() -> u64 {
    // SAFETY: enabled here.
    unsafe { _xgetbv(0) }
}

/// Asks the operating system for the tiles' data, for all threads of this program: Linux gives them to those that ask.
///
/// Source: the kernel's documentation, `arch/x86/xstate.rst`.
#[cfg(target_os = "linux")]
pub(super) fn ask() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: the call takes two numbers and changes no memory of this program. A kernel that does not know it says so.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

/// How other operating systems are asked nobody here has tried.
#[cfg(not(target_os = "linux"))]
pub(super) fn ask() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel says of the processor, where it says anything.
    #[test]
    fn the_unit_is_found_where_the_kernel_names_it() {
        let Ok(text) = std::fs::read_to_string("/proc/cpuinfo") else { return };
        let flags = text.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
        let all = ["amx_tile", "amx_int8", "amx_bf16"].iter().all(|flag| flags.split(' ').any(|found| found == *flag));
        assert_eq!(is_there(), all);
        if all {
            assert!(ask());
        }
    }
}
