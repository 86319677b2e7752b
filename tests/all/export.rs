//! `qstar export` on the records of a real search: the same rows in both formats, nothing of an excluded benchmark.

use std::path::Path;
use std::process::{Command, Output};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::Value;

/// Records of a search for `square_mod_eight` of benchmarks/small.lean.
const RECORDS: &str = "benchmarks/answers.jsonl.gz";
const TABLES: [&str; 4] = ["policy", "value", "preference", "verdict"];
const SPLITS: [&str; 3] = ["train", "validation", "test"];

fn export(out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["export", "--json", "--out"]).arg(out).args(more);
    command.output().unwrap()
}

fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn lines(folder: &Path, table: &str, split: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(format!("{table}.{split}.jsonl"))).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn rows(folder: &Path, table: &str, split: &str) -> Vec<Value> {
    let file = std::fs::File::open(folder.join(format!("{table}.{split}.parquet"))).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let json = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(b) => (*b).into(),
        Field::UInt(n) => (*n).into(),
        Field::ULong(n) => (*n).into(),
        Field::Float(x) => (*x).into(),
        Field::Str(text) => text.as_str().into(),
        other => panic!("{other:?}"),
    };
    let row = |row: Row| row.get_column_iter().map(|(name, field)| (name.clone(), json(field))).collect();
    reader.get_row_iter(None).unwrap().map(|r| row(r.unwrap())).collect()
}

/// Numbers as Parquet has them: in single precision.
fn single(rows: &[Value]) -> Vec<Value> {
    let mut rows = rows.to_vec();
    for number in rows.iter_mut().filter_map(Value::as_object_mut).flat_map(|r| r.values_mut()).filter(|v| v.is_f64()) {
        *number = (number.as_f64().unwrap() as f32).into();
    }
    rows
}

#[test]
fn both_formats_hold_the_same_rows_of_one_split() {
    let folder = tempfile::tempdir().unwrap();
    let told = report(&export(folder.path(), &[RECORDS]));
    assert_eq!((&told["searches"], &told["theorems"]), (&1.into(), &1.into()));
    let mut used = Vec::new();
    for split in SPLITS {
        let counts: Vec<usize> = TABLES.iter().map(|t| lines(folder.path(), t, split).len()).collect();
        for (table, count) in TABLES.iter().zip(&counts) {
            assert_eq!(told["examples"][table][split], *count, "{table} {split}");
            let (ours, theirs) = (lines(folder.path(), table, split), rows(folder.path(), table, split));
            assert_eq!(single(&ours), single(&theirs), "{table} {split}");
        }
        if counts.iter().sum::<usize>() > 0 {
            used.push((split, counts));
        }
    }
    let [(split, counts)] = &used[..] else { panic!("a theorem is in one split: {used:?}") };
    assert!(counts[0] > 10 && counts[1] > 0, "{counts:?}");
    let policy = lines(folder.path(), "policy", split);
    let mut pairs: Vec<String> = policy.iter().map(|e| format!("{} {}", e["goal"], e["tactic"])).collect();
    pairs.sort();
    pairs.dedup();
    assert_eq!(pairs.len(), policy.len(), "each example once");
    // Every verdict is there, the failures included, and the ranker's table holds the same ones.
    let verdicts = lines(folder.path(), "verdict", split);
    let count = |kind: &str| verdicts.iter().filter(|v| v["verdict"] == kind).count();
    assert!(count("failed") > count("closed") && count("closed") > 0 && count("helped") > 0, "{}", verdicts.len());
    let ranking = lines(folder.path(), "ranking", split);
    let candidates = || ranking.iter().flat_map(|r| r["candidates"].as_array().unwrap());
    assert_eq!(candidates().count(), verdicts.len());
    assert_eq!(candidates().filter(|c| c["verdict"] == 0).count(), count("closed"));
    assert!(candidates().all(|c| !c["features"].as_array().unwrap().is_empty()));
    let (ended, values) = (lines(folder.path(), "ended", split), lines(folder.path(), "value", split));
    assert!(values.iter().any(|v| v["proved"] == true) && values.iter().any(|v| v["proved"] == false));
    let outcome =
        |rows: &[Value]| -> Vec<(Value, Value)> { rows.iter().map(|r| (r["proved"].clone(), r["depth"].clone())).collect() };
    assert_eq!(outcome(&ended), outcome(&values));
    assert!(ended.iter().all(|r| !r["features"].as_array().unwrap().is_empty()));
    // The same records again, twice over: nothing changes, to the byte.
    let again = tempfile::tempdir().unwrap();
    std::fs::create_dir(again.path().join("records")).unwrap();
    for name in ["a.jsonl.gz", "b.jsonl.gz"] {
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDS), again.path().join("records").join(name)).unwrap();
    }
    report(&export(&again.path().join("out"), &[again.path().join("records").to_str().unwrap()]));
    for table in TABLES {
        let read = |folder: &Path| std::fs::read(folder.join(format!("{table}.{split}.jsonl"))).unwrap();
        assert_eq!(read(folder.path()), read(&again.path().join("out")), "{table}");
    }
}

#[test]
fn what_a_benchmark_holds_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    // Another name and layout; the statement is the same.
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("benchmarks/small.lean")).unwrap();
    let renamed = folder.path().join("renamed.lean");
    std::fs::write(&renamed, text.replace("square_mod_eight", "other").replace(" : ", " :\n    ")).unwrap();
    let told = report(&export(&folder.path().join("out"), &[RECORDS, "--exclude", renamed.to_str().unwrap()]));
    assert_eq!((&told["searches"], &told["excluded"]), (&0.into(), &1.into()));
    assert!(TABLES.iter().all(|t| SPLITS.iter().all(|s| lines(&folder.path().join("out"), t, s).is_empty())));
}

#[test]
fn bad_records_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.jsonl");
    std::fs::write(&path, "{\"event\":\"clock\",\"seconds\":1.0,\"checks\":1,\"goals\":1}\nnonsense\n").unwrap();
    let output = export(&folder.path().join("out"), &[path.to_str().unwrap()]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("bad.jsonl:2"), "{words}");
    let nothing = export(&folder.path().join("out"), &[folder.path().join("out").to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(2));
}
