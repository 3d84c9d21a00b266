//! The compression of an archive: told by its name, undone by the matching decoder.

use std::io::{self, BufRead, BufReader, Read};

use super::Error;

const BUFFER: usize = 256 * 1024;

/// How an archive is compressed (spec: cli, part 6.5b).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// `.tar`
    None,
    /// `.tar.gz`
    Gzip,
    /// `.tar.xz`
    Xz,
    /// `.tar.zst`
    Zstd,
    /// `.tar.bz2`
    Bzip2,
}

impl Compression {
    /// Reads the compression from the end of a file's name, which must be `.tar` or `.tar.<format>`.
    pub(crate) fn from_name(name: &str) -> Result<Self, Error> {
        if name.ends_with(".tar") {
            return Ok(Self::None);
        }
        match name.rsplit_once('.') {
            Some((stem, suffix)) if stem.ends_with(".tar") && !suffix.is_empty() => match suffix {
                "gz" => Ok(Self::Gzip),
                "xz" => Ok(Self::Xz),
                "zst" => Ok(Self::Zstd),
                "bz2" => Ok(Self::Bzip2),
                other => Err(Error::UnknownCompression(format!(".{other}"))),
            },
            _ => Err(Error::NotATemplate(name.to_owned())),
        }
    }

    /// The decoder over `input`. All of them read several concatenated streams as one. `memory` (bytes)
    /// bounds what the archive can make the decoder allocate, for the formats where it has a say.
    pub(super) fn decoder<'a>(
        self,
        input: impl Read + Send + 'a,
        memory: u64,
    ) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(input),
            Self::Gzip => Box::new(Streams::<_, flate2::bufread::GzDecoder<_>>::new(buffered(input))),
            Self::Bzip2 => Box::new(Streams::<_, bzip2::bufread::BzDecoder<_>>::new(buffered(input))),
            Self::Xz => {
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(memory, liblzma::stream::CONCATENATED)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(buffered(input), stream))
            }
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered(input))?;
                // The window is the larger part of what zstd allocates; 2^10 is the smallest there is,
                // 2^31 the largest.
                decoder.window_log_max((memory / 2).max(1).ilog2().clamp(10, 31))?;
                Box::new(decoder)
            }
        })
    }
}

fn buffered<R: Read>(input: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER, input)
}

/// A decoder that ends with one compressed stream and gives its input back.
trait OneStream<B>: Read + Sized {
    /// How each stream begins.
    const MAGIC: &'static [u8];
    fn open(input: B) -> Self;
    fn close(self) -> B;
}

impl<B: BufRead> OneStream<B> for flate2::bufread::GzDecoder<B> {
    const MAGIC: &'static [u8] = b"\x1f\x8b";
    fn open(input: B) -> Self {
        Self::new(input)
    }
    fn close(self) -> B {
        self.into_inner()
    }
}

impl<B: BufRead> OneStream<B> for bzip2::bufread::BzDecoder<B> {
    const MAGIC: &'static [u8] = b"BZh";
    fn open(input: B) -> Self {
        Self::new(input)
    }
    fn close(self) -> B {
        self.into_inner()
    }
}

/// Stream after stream until the end, or until something that is no further stream: padding and other
/// rubbish at the end of the file is ignored as `gzip` and `bzip2` do. (The decoders' own
/// multi-stream modes take it for a damaged stream.)
struct Streams<B, D> {
    decoder: Option<D>,
    input: std::marker::PhantomData<B>,
}

impl<B: BufRead, D: OneStream<B>> Streams<B, D> {
    fn new(input: B) -> Self {
        Self { decoder: Some(D::open(input)), input: std::marker::PhantomData }
    }
}

impl<B: BufRead, D: OneStream<B>> Read for Streams<B, D> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(0) };
            let n = decoder.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            let Some(mut input) = self.decoder.take().map(D::close) else { return Ok(0) };
            let ahead = input.fill_buf()?;
            if !ahead.is_empty() && D::MAGIC.starts_with(&ahead[..ahead.len().min(D::MAGIC.len())]) {
                self.decoder = Some(D::open(input));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_compression() {
        for (name, want) in [
            ("a.tar", Compression::None),
            ("/x/debian-12-standard_12.7-1_amd64.tar.zst", Compression::Zstd),
            ("a.tar.gz", Compression::Gzip),
            ("a.b.tar.xz", Compression::Xz),
            ("a.tar.tar", Compression::None),
            (".tar.bz2", Compression::Bzip2),
        ] {
            assert_eq!(Compression::from_name(name).unwrap(), want, "{name}");
        }
        let message = |name| Compression::from_name(name).unwrap_err().to_string();
        for name in ["a.tgz", "a.zip", "atar", "tar", "", "a.tar.gz.asc", "a.tar.", "a.TAR"] {
            assert_eq!(message(name), format!("file does not look like a template archive: {name}"));
        }
        assert_eq!(message("a.tar.lz4"), "unrecognized compression format: .lz4");
        assert_eq!(message("a.tar.lzo"), "unrecognized compression format: .lzo");
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::bufread::GzEncoder::new(data, flate2::Compression::fast()).read_to_end(&mut out).unwrap();
        out
    }

    fn decode(compression: Compression, data: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        compression.decoder(data, 1 << 28)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn several_streams_are_one_and_rubbish_behind_them_is_ignored() {
        let mut data = [gzip(b"one "), gzip(b""), gzip(b"two")].concat();
        assert_eq!(decode(Compression::Gzip, &data).unwrap(), b"one two");
        data.extend([0; 700]);
        assert_eq!(decode(Compression::Gzip, &data).unwrap(), b"one two");
        let cut = decode(Compression::Gzip, &gzip(b"something")[..20]).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);

        let zst = |text: &[u8]| zstd::stream::encode_all(text, 1).unwrap();
        assert_eq!(decode(Compression::Zstd, &[zst(b"one "), zst(b"two")].concat()).unwrap(), b"one two");

        let bz = |text: &[u8]| {
            let mut out = Vec::new();
            bzip2::bufread::BzEncoder::new(text, bzip2::Compression::fast()).read_to_end(&mut out).unwrap();
            out
        };
        assert_eq!(decode(Compression::Bzip2, &[bz(b"one "), bz(b"two")].concat()).unwrap(), b"one two");

        let xz = |text: &[u8]| {
            let mut out = Vec::new();
            liblzma::bufread::XzEncoder::new(text, 1).read_to_end(&mut out).unwrap();
            out
        };
        assert_eq!(decode(Compression::Xz, &[xz(b"one "), xz(b"two")].concat()).unwrap(), b"one two");
    }

    #[test]
    fn a_stream_that_wants_too_much_memory_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(28).unwrap();
        io::copy(&mut io::repeat(7).take(300 << 20), &mut encoder).unwrap();
        let data = encoder.finish().unwrap();
        let err = Compression::Zstd.decoder(&data[..], 256 << 20).unwrap().read(&mut [0; 64]).unwrap_err();
        assert!(err.to_string().contains("memory"), "{err}");

        let mut options = liblzma::stream::LzmaOptions::new_preset(0).unwrap();
        options.dict_size(64 << 20);
        let mut filters = liblzma::stream::Filters::new();
        filters.lzma2(&options);
        let stream =
            liblzma::stream::Stream::new_stream_encoder(&filters, liblzma::stream::Check::Crc32).unwrap();
        let mut data = Vec::new();
        liblzma::bufread::XzEncoder::new_stream(&b"x"[..], stream).read_to_end(&mut data).unwrap();
        assert!(Compression::Xz.decoder(&data[..], 8 << 20).unwrap().read(&mut [0; 64]).is_err());
        assert_eq!(Compression::Xz.decoder(&data[..], 256 << 20).unwrap().read(&mut [0; 64]).unwrap(), 1);
    }
}
