//! The figures as a picture: each as a part of its peer's.

use std::path::Path;

use fs_err as fs;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::table::Row;
use crate::debian;
use crate::world::Failure;

const WIDTH: u32 = 1200;
const LINE: u32 = 26;
const HEAD: u32 = 60;
const FOOT: u32 = 50;
/// Where bars begin: left of it stand names.
const LEFT: i32 = 520;
const RIGHT: i32 = 1120;
/// The picture shows a hundredth of the peer to ten times of it.
const DECADES: (f64, f64) = (-2.0, 1.0);

const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

const GOOD: RGBColor = RGBColor(46, 125, 80);
const MISSED: RGBColor = RGBColor(190, 60, 50);
const GREY: RGBColor = RGBColor(120, 120, 120);

/// Draws the rows that have a peer into `file`.
pub(super) fn draw(rows: &[Row], title: &str, file: &Path) -> Result<(), Failure> {
    debian::need(&[(FONT, "fonts-dejavu-core")])?;
    let font: &'static [u8] = fs::read(FONT)?.leak();
    register_font("sans-serif", FontStyle::Normal, font)
        .map_err(|_| Failure::say(format!("`{FONT}` is no font")))?;
    let shown: Vec<&Row> = rows.iter().filter(|row| row.ratio().is_some()).collect();
    let lines = u32::try_from(shown.len()).unwrap_or(u32::MAX);
    let height = HEAD + FOOT + LINE * lines;
    let mut pixels = vec![0; (WIDTH * height * 3) as usize];
    paint(&shown, title, &mut pixels, height)
        .map_err(|cause| Failure::new("cannot draw the figures", cause))?;
    let mut encoder = png::Encoder::new(fs::File::create(file)?, WIDTH, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .map_err(|cause| Failure::new("cannot write the picture", cause))
}

fn paint(
    rows: &[&Row],
    title: &str,
    pixels: &mut [u8],
    height: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = BitMapBackend::with_buffer(pixels, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font();
    area.draw(&Text::new(title.to_owned(), (20, 20), text(20)))?;
    let bottom = i32::try_from(height - FOOT)?;
    for (ratio, name) in [
        (0.01, "1/100"),
        (0.1, "1/10"),
        (0.5, "half"),
        (1.0, "the peer"),
        (10.0, "ten times"),
    ] {
        let x = place(ratio);
        let line = vec![(x, i32::try_from(HEAD)? - 8), (x, bottom)];
        let colour = if (ratio - 1.0_f64).abs() < 1e-9 {
            BLACK
        } else {
            RGBColor(220, 220, 220)
        };
        area.draw(&PathElement::new(line, colour.stroke_width(1)))?;
        area.draw(&Text::new(
            name,
            (x - 20, bottom + 12),
            text(13).color(&GREY),
        ))?;
    }
    for (number, row) in rows.iter().enumerate() {
        let top = i32::try_from(HEAD + LINE * u32::try_from(number)?)?;
        let Some(ratio) = row.ratio() else { continue };
        let colour = if row.holds() { GOOD } else { MISSED };
        let bar = [(LEFT, top + 4), (place(ratio).max(LEFT + 1), top + 20)];
        area.draw(&Rectangle::new(bar, colour.filled()))?;
        for limit in row.parts() {
            let x = place(limit);
            let mark = vec![(x, top + 1), (x, top + 23)];
            area.draw(&PathElement::new(mark, BLACK.stroke_width(2)))?;
        }
        let name = format!("{} / {}", row.what, row.peer_name());
        let name: String = name.chars().take(72).collect();
        area.draw(&Text::new(name, (20, top + 5), text(13)))?;
        area.draw(&Text::new(
            format!("{ratio:.2}"),
            (RIGHT + 20, top + 5),
            text(14),
        ))?;
    }
    area.present()?;
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "within the picture")]
fn place(ratio: f64) -> i32 {
    let (low, high) = DECADES;
    let part = (ratio.log10().clamp(low, high) - low) / (high - low);
    LEFT + (part * f64::from(RIGHT - LEFT)) as i32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::table::{Figure, Limit};
    use super::*;

    #[test]
    fn bars_are_as_long_as_ratios_and_as_green_as_limits() {
        let row = |seconds: u64, part: f64| Row {
            what: "a figure".to_owned(),
            ours: Figure::Time(Duration::from_secs(seconds)),
            peer: Some(("another".to_owned(), Figure::Time(Duration::from_secs(10)))),
            limits: vec![Limit::Part(part)],
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("figures.png");
        draw(&[row(5, 0.75), row(10, 0.5)], "two", &file).unwrap();
        let mut reader = png::Decoder::new(std::io::BufReader::new(fs::File::open(&file).unwrap()))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let wide = |line: u32, colour: RGBColor| {
            let y = (HEAD + LINE * line + 12) as usize;
            let pixels = &pixels[y * WIDTH as usize * 3..][..WIDTH as usize * 3];
            let same = |pixel: &&[u8]| **pixel == [colour.0, colour.1, colour.2];
            i32::try_from(pixels.chunks(3).filter(same).count()).unwrap()
        };
        assert!((wide(0, GOOD) - (place(0.5) - LEFT)).abs() < 6);
        assert!((wide(1, MISSED) - (place(1.0) - LEFT)).abs() < 6);
        assert_eq!((wide(0, MISSED), wide(1, GOOD)), (0, 0));
    }
}
