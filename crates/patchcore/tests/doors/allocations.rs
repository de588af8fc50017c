//! What a score allocates once sizes have been seen: the number in the documentation of `Model::score`.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use patchcore::{Model, Photo, PixelBuffer, PixelFormat};

use crate::photos::settings;

/// Counts the allocations of the thread that asks for it.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all of it is the system's allocator; counting neither allocates nor fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that ends has no count any more.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_score_allocates_its_result_and_little_else() {
    let photo = |side: usize| {
        let data: Vec<u8> = (0..side * side * 3).map(|at| (at * 37 % 101) as u8).collect();
        let (width, stride) = (side as u32, 3 * side);
        let buffer = PixelBuffer { data: &data, width, height: width, stride, format: PixelFormat::Rgb8 };
        Photo::from_buffer(&buffer).unwrap()
    };
    let model = Model::fit(&settings(), [photo(96), photo(96), photo(96), photo(96)]).unwrap();
    // One thread does everything, in a pool whose only thread counts.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let counted = |work: &(dyn Fn() + Sync)| {
        pool.install(|| {
            (0..5).for_each(|_| work());
            let before = COUNT.get();
            work();
            COUNT.get() - before
        })
    };
    // One more where there is something to remark: that the fit has not seen such a size.
    for (side, most) in [(96, 3 + 12), (256, 3 + 30 + 1)] {
        let photo = photo(side);
        let input = model.prepare(&photo).unwrap();
        let prepare = counted(&|| drop(model.prepare(&photo).unwrap()));
        let score = counted(&|| drop(model.score_input(&input).unwrap()));
        println!("{side} x {side} pixels: {prepare} to prepare, {score} to score {} patches", side * side / 64);
        assert!(prepare + score <= most, "{prepare} + {score}");
    }
}
