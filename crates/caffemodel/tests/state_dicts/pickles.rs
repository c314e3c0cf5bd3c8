//! Pickles by hand, in the older form, which needs no archive.

use caffemodel::read_torch;

const STOP: &[u8] = b".";

/// A file whose object is this pickle, with these storages behind it.
fn stream(object: &[u8], storages: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let protocol = b"\x80\x02M\xe9\x03.";
    let system = b"\x80\x02}.";
    [
        magic,
        protocol.as_slice(),
        system,
        b"\x80\x02",
        object,
        STOP,
        storages,
    ]
    .concat()
}

/// The keys of no storage, or of the storage `k` with two numbers.
const NO_STORAGE: &[u8] = b"\x80\x02].";

fn one_storage() -> Vec<u8> {
    let numbers = [1_f32, 2.0].map(f32::to_le_bytes).concat();
    [
        b"\x80\x02](U\x01ke.".as_slice(),
        &2_u64.to_le_bytes(),
        &numbers,
    ]
    .concat()
}

/// What has to follow an object.
fn storages_of(object: &[u8]) -> Vec<u8> {
    match object.windows(STORAGE.len()).any(|bytes| bytes == STORAGE) {
        true => one_storage(),
        false => NO_STORAGE.to_vec(),
    }
}

/// The storage `k` of two numbers, by its persistent id.
const STORAGE: &[u8] = b"(U\x07storagectorch\nFloatStorage\nU\x01kU\x03cpuK\x02NtQ";

/// A tensor over it: offset, sizes and strides are opcodes.
fn tensor(offset: &[u8], size: &[u8], stride: &[u8]) -> Vec<u8> {
    let call = b"ctorch._utils\n_rebuild_tensor_v2\n(".as_slice();
    [call, STORAGE, offset, size, stride, b"\x89}tR"].concat()
}

/// A dictionary with one entry called `w`.
fn dict(value: &[u8]) -> Vec<u8> {
    [b"}U\x01w".as_slice(), value, b"s"].concat()
}

fn error(object: &[u8], storages: &[u8]) -> String {
    read_torch(&stream(object, storages))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_tensor_is_read() {
    let bytes = stream(
        &dict(&tensor(b"K\x01", b"K\x01\x85", b"K\x01\x85")),
        &one_storage(),
    );
    let tensors = read_torch(&bytes).unwrap().tensors;
    assert_eq!(tensors[0].0, "w");
    assert_eq!(tensors[0].1.to_floats(), [2.0]);
}

#[test]
fn the_forms_of_python_2_are_read() {
    // OrderedDict([["w", tensor]]), torch._utils._rebuild_tensor, a storage on a GPU.
    let storage = b"(U\x07storagectorch.cuda\nFloatStorage\nT\x01\0\0\0kU\x06cuda:0K\x02NtQ";
    let call = b"ctorch._utils\n_rebuild_tensor\n(".as_slice();
    let tensor = [call, storage, b"K\0K\x02\x85K\x01\x85tR"].concat();
    let object = [
        b"ccollections\nOrderedDict\n]]U\x01wa",
        tensor.as_slice(),
        b"aa\x85R",
    ]
    .concat();
    let bytes = stream(&object, &one_storage());
    assert_eq!(
        read_torch(&bytes).unwrap().tensors[0].1.to_floats(),
        [1.0, 2.0]
    );
}

#[test]
fn every_callable_that_makes_no_tensor_is_refused_by_its_name() {
    let long = format!("c{}\nf\n", "m".repeat(4000));
    let cases: &[(&[u8], &str)] = &[
        (b"cos\nsystem\n", "the callable \"os.system\""),
        (b"cposix\nsystem\n", "the callable \"posix.system\""),
        (b"cbuiltins\neval\n", "the callable \"builtins.eval\""),
        (b"c__builtin__\neval\n", "the callable \"__builtin__.eval\""),
        (b"ctorch\nload\n", "the callable \"torch.load\""),
        (
            b"ctorch.storage\n_load_from_bytes\n",
            "the callable \"torch.storage._load",
        ),
        (b"ctorch._utils\n_rebuild_tensor_v2.x\n", "the callable"),
        (b"U\x02osU\x06system\x93", "the callable \"os.system\""),
        (b"c\x1b[2J\nevil\n", "the callable \"\\u{1b}[2J.evil\""),
        (long.as_bytes(), "mmm\"..."),
        (
            b"ctorch\nComplexFloatStorage\n",
            "a storage of integers or of floats",
        ),
        (b"cos\nsystem", "expected a line"),
        (b"K\x01K\x02\x93", "the name of a function or a class"),
        // INST, OBJ, NEWOBJ, EXT1, INT
        (b"(ios\nsystem\n", "the pickle opcode 0x69"),
        (b"(o", "the pickle opcode 0x6f"),
        (b")\x81", "the pickle opcode 0x81"),
        (b"\x82\x01", "the pickle opcode 0x82"),
        (b"I1\n", "the pickle opcode 0x49"),
    ];
    for (object, message) in cases {
        let error = error(object, NO_STORAGE);
        assert!(error.contains(message), "{message}: {error}");
        assert!(error.len() < 400, "{error}");
    }
}

#[test]
fn malformed_objects_are_errors() {
    let sizes_33 = [b"(".as_slice(), &b"K\x01".repeat(33), b"t"].concat();
    let huge = b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f".as_slice();
    let two_huge = [huge, huge, b"\x86"].concat();
    let one = b"K\x01\x85".as_slice();
    let two = b"K\x02\x85".as_slice();
    let twice = [
        &dict(&tensor(b"K\0", one, one))[..],
        b"U\x01w",
        &tensor(b"K\0", one, one),
        b"s",
    ];
    let cases: &[(Vec<u8>, &str)] = &[
        (
            b"K\x01".to_vec(),
            "expected a dictionary of tensors, found a whole number",
        ),
        (
            b"]".to_vec(),
            "expected a dictionary of tensors, found a list",
        ),
        (Vec::new(), "expected 1 values on the stack, found fewer"),
        (b"(".to_vec(), "expected 1 values on the stack, found fewer"),
        (b"}(K\x01K\x02".to_vec(), "a whole number"),
        (b"t".to_vec(), "expected a mark on the stack, found none"),
        (b"h\x05".to_vec(), "number 5, which was never put there"),
        (b"q\x05".to_vec(), "expected a value, found none"),
        (
            b"}(K\x01u".to_vec(),
            "expected keys with values, found a key without one",
        ),
        (
            b"](K\x01K\x01u".to_vec(),
            "expected a dictionary to fill, found a list",
        ),
        (
            b"}K\x01a".to_vec(),
            "expected a list to append to, found a dictionary",
        ),
        (b"]}b".to_vec(), "expected an OrderedDict with attributes"),
        (b"\x8a\x11".to_vec(), "17 more bytes"),
        (
            b"X\xff\xff\xff\xff".to_vec(),
            "expected 4294967295 more bytes",
        ),
        (
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
            "more bytes",
        ),
        (b"U\x01\xff".to_vec(), "expected text in UTF-8"),
        (b"K\x01Q".to_vec(), "expected a storage"),
        (b"(U\x07storagetQ".to_vec(), "found a tuple of 1"),
        (
            b"ccollections\nOrderedDict\nK\x01\x85R".to_vec(),
            "a list of keys with values",
        ),
        (
            b"ctorch\nFloatStorage\n)R".to_vec(),
            "the arguments that torch writes",
        ),
        (b"K\x01)R".to_vec(), "expected a callable"),
        (
            b"ctorch._utils\n_rebuild_tensor_v2\n)R".to_vec(),
            "found 0 arguments",
        ),
        (
            dict(&tensor(b"K\x02", one, one)),
            "tensor \"w\": expected numbers of shape [1]",
        ),
        (dict(&tensor(b"K\x03", b"K\0\x85", one)), "from number 3 on"),
        (dict(&tensor(huge, one, one)), "found a storage of 8 bytes"),
        (
            dict(&tensor(b"K\0", &[huge, b"\x85"].concat(), one)),
            "found a storage of 8 bytes",
        ),
        (
            dict(&tensor(b"K\0", &two_huge, &two_huge)),
            "expected contiguous numbers",
        ),
        (
            dict(&tensor(b"J\xff\xff\xff\xff", one, one)),
            "no such offset",
        ),
        (
            dict(&tensor(b"K\0", two, two)),
            "expected contiguous numbers",
        ),
        (
            dict(&tensor(b"K\0", two, b"K\0\x85")),
            "expected contiguous numbers",
        ),
        (dict(&tensor(b"K\0", one, b")")), "1 sizes and 0 strides"),
        (
            dict(&tensor(b"K\0", &sizes_33, &sizes_33)),
            "a tuple of at most 32 sizes",
        ),
        (twice.concat(), "a second tensor of that name"),
    ];
    for (object, message) in cases {
        let error = error(object, &storages_of(object));
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn storages_that_do_not_fit_the_object_are_errors() {
    let object = dict(&tensor(b"K\0", b"K\x02\x85", b"K\x01\x85"));
    let other_type = [
        &object[..],
        b"U\x01x(U\x07storagectorch\nHalfStorage\nU\x01kU\x03cpuK\x02NtQs",
    ]
    .concat();
    let keys = b"\x80\x02](U\x01ke.".as_slice();
    let cases: &[(&[u8], Vec<u8>, &str)] = &[
        (
            &object,
            NO_STORAGE.to_vec(),
            "expected storage \"k\", found no such storage",
        ),
        (
            &object,
            b"\x80\x02}.".to_vec(),
            "the keys of the storages, found a dictionary",
        ),
        (
            &object,
            b"\x80\x02](U\x01xe.".to_vec(),
            "a storage of the object, found \"x\"",
        ),
        (
            &object,
            [keys, &[9; 8]].concat(),
            "storage \"k\": expected 2 elements",
        ),
        (
            &object,
            [keys, &[0xff; 8]].concat(),
            "expected 2 elements, found -1",
        ),
        (
            &object,
            one_storage()[..18].to_vec(),
            "storage \"k\": pickle, byte",
        ),
        (
            &object,
            b"\x80\x02](U\x01kU\x01ke.".to_vec(),
            "storage \"k\": pickle, byte",
        ),
        (
            &other_type,
            one_storage(),
            "storage \"k\": expected one type and length, found two",
        ),
    ];
    for (object, storages, message) in cases {
        let error = error(object, storages);
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn nothing_but_files_of_torch_save_is_read() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "a zip archive or a pickle"),
        (
            b"GIF89a",
            "a zip archive or a pickle, as torch.save writes them, found \"GIF8\"",
        ),
        (
            b"\x80\x02}.",
            "the magic number of torch.save, found a dictionary",
        ),
        (
            b"\x80\x02cos\nsystem\nU\x02ls\x85R.",
            "the callable \"os.system\"",
        ),
        (b"PK", "a whole zip archive"),
    ];
    for (bytes, message) in cases {
        let error = read_torch(bytes).unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
    let bytes = stream(b"}", NO_STORAGE);
    let system = bytes
        .windows(4)
        .position(|bytes| bytes == b"\x80\x02}.")
        .unwrap()
        + 3;
    let (head, tail) = bytes.split_at(system);
    let bytes = [head, b"U\x0dlittle_endian\x89s", tail].concat();
    assert!(
        read_torch(&bytes)
            .unwrap_err()
            .to_string()
            .contains("found big-endian")
    );
}

/// A million of something.
const MANY: usize = 1_000_000;

#[test]
fn structures_without_bounds_are_refused() {
    let empty = tensor(b"K\0", b"K\0\x85", b"K\x01\x85");
    let entries = b"U\x01kh\0".repeat(MANY);
    let pairs = [b"](".as_slice(), &b"K\0K\0\x86".repeat(30_000), b"eq\0"].concat();
    let ordered = b"ccollections\nOrderedDict\nh\0\x85R".repeat(100_000);
    let puts = |key: u32| [b"r".as_slice(), &key.to_le_bytes()].concat();
    let puts: Vec<u8> = (0..MANY as u32).flat_map(puts).collect();
    let nested = [b"}U\x01a".repeat(65), b"}".to_vec(), b"s".repeat(65)].concat();
    // Each dictionary holds the one before twice.
    let twins = (0..60).fold(b"}".to_vec(), |inner, _| {
        [b"}(U\x01a".as_slice(), &inner, b"q\0U\x01bh\0u"].concat()
    });
    let prefix = [b"}X\xa0\x0f\0\0".as_slice(), &[b'p'; 4000]].concat();
    let names = (0..2000).map(|index| format!("U\x04{index:04}h\0"));
    let names = [
        prefix.as_slice(),
        b"}(",
        names.collect::<String>().as_bytes(),
        b"us",
    ]
    .concat();
    let cases: &[(&str, Vec<u8>, &str)] = &[
        ("marks", b"(".repeat(MANY), "at most 200000 values"),
        (
            "tuples",
            [b")".as_slice(), &b"\x85".repeat(MANY)].concat(),
            "at most 200000 values",
        ),
        ("lists", b"]".repeat(MANY), "at most 200000 values"),
        ("memo", [b"}".as_slice(), &puts].concat(), "in the memo"),
        (
            "gets",
            [b"}q\0".as_slice(), &b"h\0".repeat(MANY)].concat(),
            "at most 200000 values",
        ),
        (
            "items",
            [b"}q\0}(".as_slice(), &entries, b"u"].concat(),
            "at most 200000 values",
        ),
        ("copies", [pairs, ordered].concat(), "at most 200000 values"),
        ("nested", nested, "at most 64 dictionaries"),
        (
            "itself",
            b"}q\0U\x01ah\0s".to_vec(),
            "at most 64 dictionaries",
        ),
        ("twins", twins, "at most 200000 entries"),
        (
            "names",
            [empty.as_slice(), b"q\0", &names].concat(),
            "of 4194304 bytes together",
        ),
    ];
    for (name, object, message) in cases {
        let error = error(object, &storages_of(object));
        assert!(error.contains(message), "{name}: {error}");
    }
}
