//! What is written can be read back, exactly, and means what the rows say.

use super::*;
use tron::Amount;

fn rows() -> Vec<Listed> {
    let mut rows: Vec<Listed> = (0..400)
        .map(|n| {
            let life = ledger::life(n, 400);
            Listed {
                payment: life.payment,
                note: Some(life.note).filter(|n| !n.is_empty()),
                tags: life.tags,
                allowances: vec![],
            }
        })
        .collect();
    // What a site would write to be run by a spreadsheet, and what would break a line or a journal.
    rows[0].payment.plan.site_words = Some("=HYPERLINK(\"http://x\")".to_owned());
    rows[1].payment.plan.site_words = Some("two\nlines; and \"quotes\", 价格|x".to_owned());
    rows[2].note = Some("+1".to_owned());
    rows
}

fn write(format: ExportFormat, rows: &[Listed]) -> String {
    let mut out = Vec::new();
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let mut writer = writer(format, &mut out, zone, true).unwrap();
    for row in rows {
        writer.row(row, Some("Reader")).unwrap();
    }
    writer.end().unwrap();
    drop(writer);
    String::from_utf8(out).unwrap()
}

#[test]
fn csv_gives_back_every_amount_and_no_formula() {
    let rows = rows();
    let text = write(ExportFormat::Csv, &rows);
    assert!(text.starts_with('\u{feff}'), "spreadsheets know UTF-8 by its mark");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), tables::COLUMNS);
    let column = |name: &str| tables::COLUMNS.iter().position(|c| *c == name).unwrap();
    let mut count = 0;
    for (record, row) in reader.records().map(Result::unwrap).zip(&rows) {
        let plan = &row.payment.plan;
        let amount = |name: &str| Amount::parse_units(&record[column(name)], plan.token.decimals).unwrap();
        assert_eq!((amount("price"), amount("maximum")), (plan.price, plan.maximum));
        assert_eq!(record[column("fee")].is_empty(), plan.fee.is_none());
        assert!(record[column("at")].ends_with("+08:00"));
        for cell in &record {
            assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
        count += 1;
    }
    assert_eq!(count, rows.len());
}

#[test]
fn json_is_one_array_or_a_line_each() {
    let rows = rows();
    let array: Vec<serde_json::Value> = serde_json::from_str(&write(ExportFormat::Json, &rows)).unwrap();
    let lines = write(ExportFormat::JsonLines, &rows);
    let lines: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(array, lines);
    assert_eq!(array.len(), rows.len());
    assert_eq!(array[0]["description"], "=HYPERLINK(\"http://x\")", "JSON needs no taming");
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&write(ExportFormat::Json, &[])).unwrap().len(), 0);
}

#[test]
fn a_journal_balances_and_hledger_reads_it() {
    let rows = rows();
    let text = write(ExportFormat::Hledger, &rows);
    let left = rows.iter().filter(|r| row::paid(r).is_none_or(|a| !a.is_zero())).count();
    let entries: Vec<&str> = text.split("\n\n").filter(|e| e.contains("; id: ")).collect();
    assert_eq!(entries.len(), left);
    for entry in entries {
        let mut sums: HashMap<String, (Amount, Amount)> = HashMap::new();
        for line in entry.lines().filter(|l| l.starts_with("    ") && !l.trim().starts_with(';')) {
            let (_, amount) = line.trim().split_once("  ").unwrap();
            let (number, commodity) = amount.trim().split_once(' ').unwrap();
            let sum = sums.entry(commodity.to_owned()).or_insert((Amount::ZERO, Amount::ZERO));
            match number.strip_prefix('-') {
                Some(less) => sum.1 = sum.1.saturating_add(Amount::parse_units(less, 18).unwrap()),
                None => sum.0 = sum.0.saturating_add(Amount::parse_units(number, 18).unwrap()),
            }
        }
        assert!(sums.values().all(|(into, out)| into == out), "{entry}");
    }
    // Where hledger is installed it says what it thinks.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.journal");
    std::fs::write(&path, &text).unwrap();
    match std::process::Command::new("hledger").arg("-f").arg(&path).args(["check"]).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::NotFound),
    }
}

#[test]
fn a_file_is_complete_or_not_there_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.csv");
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let mut part = file::Part::open(&path, false).unwrap();
    part.write_all(b"half").unwrap();
    drop(part);
    assert_eq!(names(), 0, "what was not finished is gone");
    let mut part = file::Part::open(&path, false).unwrap();
    part.write_all(b"whole").unwrap();
    part.finish().unwrap();
    drop(part);
    assert_eq!((names(), std::fs::read(&path).unwrap().as_slice()), (1, b"whole".as_slice()));
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777,
        0o600
    );
    assert_eq!(file::Part::open(&path, false).err().unwrap().kind(), std::io::ErrorKind::AlreadyExists);
    assert!(file::Part::open(&path, true).is_ok());
}

#[test]
fn trx_of_a_test_network_is_booked_as_test_money() {
    for (test, commodity) in [(true, "\"TRX test\""), (false, "TRX")] {
        let mut row = rows().into_iter().find(|row| row.payment.plan.network.is_test() == test).unwrap();
        let plan = &row.payment.plan;
        let intent = ledger::AllowanceIntent {
            tx: "aa".repeat(32),
            payment: row.payment.id,
            network: plan.network,
            owner: plan.payer,
            token: plan.token.address,
            spender: plan.contract,
            amount: plan.maximum,
            signed_hex: String::new(),
            expires_at: row.payment.entered_at,
        };
        let outcome = Some(ledger::AllowanceOutcome::Confirmed { block: 1, fee_sun: 12_600_000 });
        let at = row.payment.entered_at;
        row.allowances = vec![ledger::Allowance { intent, at, outcome, outcome_at: Some(at) }];
        let payer = row.payment.plan.payer;
        let text = write(ExportFormat::Hledger, &[row]);
        for line in [
            format!("    expenses:fees:network  12.6 {commodity}\n"),
            format!("    assets:tron:{payer}  -12.6 {commodity}\n"),
        ] {
            assert!(text.contains(&line), "{line} in {text}");
        }
    }
}

#[test]
fn every_format_says_how_a_site_is_known() {
    let mut row = rows().remove(0);
    for provenance in plan::Provenance::ALL {
        row.payment.plan.provenance = provenance;
        let only = std::slice::from_ref(&row);
        let csv = write(ExportFormat::Csv, only);
        assert!(csv.lines().next().unwrap().ends_with(",provenance"), "{csv}");
        assert!(csv.trim_end().ends_with(&format!(",{}", provenance.name())), "{csv}");
        let json: serde_json::Value = serde_json::from_str(&write(ExportFormat::Json, only)).unwrap();
        assert_eq!(json[0]["provenance"], provenance.name());
        let journal = write(ExportFormat::Hledger, only);
        assert!(journal.contains(&format!("    ; site: {}\n", provenance.name())), "{journal}");
    }
}
