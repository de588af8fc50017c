//! The examples run, and show what they say they show.

use std::sync::atomic::AtomicBool;

use patchcore::Error;

#[path = "../../examples/async_service.rs"]
#[allow(dead_code, reason = "an example has a main")]
mod async_service;
#[path = "../../examples/camera_buffer.rs"]
#[allow(dead_code, reason = "an example has a main")]
mod camera_buffer;
#[path = "../../examples/many_cameras.rs"]
#[allow(dead_code, reason = "an example has a main")]
mod many_cameras;
#[path = "../../examples/progress_and_cancel.rs"]
#[allow(dead_code, reason = "an example has a main")]
mod progress_and_cancel;

#[test]
fn a_camera_buffer() {
    let [good, defective] = camera_buffer::run().unwrap();
    assert!(defective > 1.5 * good, "{good} {defective}");
}

#[test]
fn progress_and_cancel() {
    let mut shown = Vec::new();
    let report = progress_and_cancel::run(&AtomicBool::new(false), &mut shown).unwrap();
    assert!(report.rejected.is_empty());
    assert_eq!(shown[..6], [1, 2, 3, 4, 5, 6].map(|done| format!("features {done}/6")));
    assert!(shown[6..].iter().all(|line| line.starts_with("coreset ")) && shown.len() > 6, "{shown:?}");
    let cancelled = progress_and_cancel::run(&AtomicBool::new(true), &mut shown).unwrap_err();
    assert!(matches!(cancelled, Error::Cancelled { what: "fit" }), "{cancelled}");
}

#[test]
fn many_cameras() {
    let scores = many_cameras::run(4, 3).unwrap();
    assert_eq!(scores, many_cameras::run(4, 3).unwrap(), "the same bits, whoever computes beside");
    assert_eq!(scores.iter().map(Vec::len).collect::<Vec<usize>>(), [3; 4]);
}

#[test]
fn a_service_on_tokio() {
    // One thread for work that blocks.
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(1).enable_time().build().unwrap();
    let scored = runtime.block_on(async_service::run()).unwrap();
    assert!(scored.score > 0.0);
    // A deadline that has passed is an error of the service, not a score.
    let photos: Vec<_> = (0..3).map(|number| async_service::photo(number).unwrap()).collect();
    let late = runtime.block_on(async {
        let model = async_service::fit(photos.clone()).await.unwrap().model;
        // That thread is busy until the deadline has passed.
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || is_done.recv());
        let late = async_service::score(&model, photos[0].clone(), std::time::Duration::ZERO).await;
        drop(done);
        assert!(busy.await.unwrap().is_err(), "nothing was sent");
        late
    });
    assert!(late.unwrap_err().to_string().contains("elapsed"));
}
