//! The pixels of a PNG file.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use crate::world::Failure;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// A picture, its pixels row by row.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pixels: Vec<Colour>,
}

impl Picture {
    /// Reads a file of true colours, with or without transparency, which is left out.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let opened = fs_err::File::open(file)?;
        decode(BufReader::new(opened))
            .map_err(|cause| Failure::new(format!("cannot read `{}`", file.display()), cause))
    }

    /// The percentage of pixels with this colour, rounded down.
    pub(super) fn part_of(&self, colour: Colour) -> usize {
        let those = self.pixels.iter().filter(|pixel| **pixel == colour).count();
        those * 100 / self.pixels.len().max(1)
    }

    /// How many colours there are.
    pub(super) fn colours(&self) -> usize {
        self.pixels.iter().collect::<BTreeSet<_>>().len()
    }
}

fn decode(bytes: impl BufRead + Seek) -> Result<Picture, png::DecodingError> {
    let mut decoder = png::Decoder::new(bytes);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info()?;
    let size = reader
        .output_buffer_size()
        .ok_or(png::DecodingError::LimitsExceeded)?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes)?;
    let pixels = bytes[..frame.buffer_size()]
        .chunks_exact(frame.color_type.samples())
        // Shades of grey have one channel for all three.
        .map(|pixel| match *pixel {
            [red, green, blue, ..] => [red, green, blue],
            [grey, ..] => [grey; 3],
            [] => [0; 3],
        })
        .collect();
    Ok(Picture {
        width: frame.width,
        height: frame.height,
        pixels,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::decode;

    /// A picture of 2 by 2 pixels.
    fn encoded(colour: png::ColorType, bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 2, 2);
        encoder.set_color(colour);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(bytes).unwrap();
        writer.finish().unwrap();
        file
    }

    #[test]
    fn pixels_are_counted_by_their_colour() {
        let file = encoded(
            png::ColorType::Rgba,
            &[1, 2, 3, 255, 1, 2, 3, 0, 1, 2, 3, 9, 4, 5, 6, 255],
        );
        let picture = decode(Cursor::new(file)).unwrap();
        assert_eq!(
            (picture.width, picture.height, picture.colours()),
            (2, 2, 2)
        );
        assert_eq!(picture.part_of([1, 2, 3]), 75);
        assert_eq!(picture.part_of([4, 5, 6]), 25);
        assert_eq!(picture.part_of([6, 5, 4]), 0);
        let grey = encoded(png::ColorType::Grayscale, &[7; 4]);
        let picture = decode(Cursor::new(grey)).unwrap();
        assert_eq!((picture.colours(), picture.part_of([7; 3])), (1, 100));
    }

    #[test]
    fn a_file_that_is_cut_short_is_an_error() {
        let file = encoded(png::ColorType::Rgb, &[9; 12]);
        for end in [0, 8, 20, file.len() / 2] {
            assert!(decode(Cursor::new(&file[..end])).is_err(), "{end}");
        }
    }
}
