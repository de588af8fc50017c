//! The time at which a report was written, as people and machines read it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, as `2026-03-09 14:05 UTC`.
pub fn now() -> String {
    written(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// Days to a date of the proleptic Gregorian calendar: years begin in March, so that the leap day is the last.
fn written(seconds: u64) -> String {
    let (days, minutes) = (seconds / 86_400 + 719_468, seconds % 86_400 / 60);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        assert_eq!(written(0), "1970-01-01 00:00 UTC");
        assert_eq!(written(951_827_696), "2000-02-29 12:34 UTC");
        assert_eq!(written(1_767_225_599), "2025-12-31 23:59 UTC");
        assert_eq!(written(4_107_542_400), "2100-03-01 00:00 UTC");
    }
}
