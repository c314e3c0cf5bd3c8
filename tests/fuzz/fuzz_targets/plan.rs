//! Plans of atlases, and the atlas that one plans.
#![no_main]

use std::fs;

use inverse_set::{Atlas, Flow, Plan};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::device();
    let folder = fuzz::folder();
    let path = folder.path().join("plan.json");
    fs::write(&path, data).expect("there is room");
    fuzz::within_memory(data.len(), || {
        let Ok(plan) = Plan::read(&path) else { return };
        let _ = (plan.request.needed(), plan.request.encoder());
        assert!(plan.shard(plan.shards).is_err());
        let shard = plan.shard(plan.shards - 1).expect("it has one");
        let Ok(atlas) = Atlas::again(fuzz::tiny(), None, &plan.request, &path) else {
            return;
        };
        plan.write(&path).expect("there is room");
        assert!(
            Plan::read(&path).is_ok_and(|again| again == plan),
            "it changed when written"
        );
        // Where it says that results go, nothing is made.
        let out = folder.path().join("out");
        let stopped = atlas.run_shard(&out, shard, &mut |_| Flow::Stop);
        assert!(stopped.is_err(), "it was not stopped");
    });
});
