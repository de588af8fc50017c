//! A local HTTP server that answers each connection as a script says.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How one connection is answered.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// The range that was asked for, or everything.
    Honest,
    /// As honest, but the connection is cut after so many bytes of the body.
    CutAfter(usize),
    /// Everything, whatever range was asked for.
    IgnoreRange,
    /// As `IgnoreRange`, cut after so many bytes.
    IgnoreRangeCutAfter(usize),
    /// Everything, but the header promises so many bytes more (or fewer).
    LieAboutLength(i64),
    /// A body of garbage as long as the file.
    Garbage,
    /// 206 with a range that was not asked for.
    WrongRange,
    /// Just this status.
    Status(u16),
    /// Bytes that are no HTTP.
    NoHttp,
    /// Everything without a length, until the connection closes.
    NoLength,
}

/// A running server; it ends with the process.
pub struct Server {
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves `content` at every path: the n-th connection by the n-th answer, then by the last.
    pub fn start(content: Vec<u8>, answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answers) = (Arc::clone(&requests), answers.to_vec());
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let answer = answers[index.min(answers.len() - 1)];
                // A client that hangs up early is part of the tests.
                let _ = respond(stream.unwrap(), &content, answer, &log);
            }
        });
        Self { base, requests }
    }

    /// Head of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn respond(mut stream: TcpStream, content: &[u8], answer: Answer, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    log.lock().unwrap().push(head.clone());
    let range = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned))
        .and_then(|range| range.trim_end().trim_end_matches('-').parse::<usize>().ok());
    let total = content.len();
    let mut send = |status: &str, extra: &str, length: Option<usize>, body: &[u8]| {
        let length = length.map_or(String::new(), |length| format!("Content-Length: {length}\r\n"));
        write!(stream, "HTTP/1.1 {status}\r\n{length}{extra}Connection: close\r\n\r\n")?;
        stream.write_all(body)?;
        stream.flush()?;
        stream.shutdown(Shutdown::Both)
    };
    let cut = match answer {
        Answer::CutAfter(bytes) | Answer::IgnoreRangeCutAfter(bytes) => bytes,
        _ => usize::MAX,
    };
    match answer {
        Answer::Honest | Answer::CutAfter(_) => match range {
            Some(start) if start >= total => {
                send("416 Range Not Satisfiable", &format!("Content-Range: bytes */{total}\r\n"), Some(0), b"")
            }
            Some(start) => {
                let body = &content[start..];
                let extra = format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
                send("206 Partial Content", &extra, Some(body.len()), &body[..cut.min(body.len())])
            }
            None => send("200 OK", "", Some(total), &content[..cut.min(total)]),
        },
        Answer::IgnoreRange | Answer::IgnoreRangeCutAfter(_) => {
            send("200 OK", "", Some(total), &content[..cut.min(total)])
        }
        Answer::LieAboutLength(more) => {
            let length = usize::try_from(total as i64 + more).unwrap();
            send("200 OK", "", Some(length), content)
        }
        Answer::Garbage => send("200 OK", "", Some(total), &vec![b'x'; total]),
        Answer::WrongRange => {
            let extra = format!("Content-Range: bytes 1-{}/{total}\r\n", total - 1);
            send("206 Partial Content", &extra, Some(total - 1), &content[1..])
        }
        Answer::Status(status) => send(&format!("{status} Nope"), "", Some(0), b""),
        Answer::NoHttp => {
            stream.write_all(b"220 smtp.example ready\r\n\r\n")?;
            stream.shutdown(Shutdown::Both)
        }
        Answer::NoLength => send("200 OK", "", None, content),
    }
}
