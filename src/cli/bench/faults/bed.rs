//! A bed and what happens in it, over and over. Whatever was not answered is sent again under the name that it had.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::server::{Doors, Open};
use crate::{
    ambient::system_now,
    outgoing::{self, Agent, Way},
    policy::{CredentialId, RoomId},
};

/// The longest an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Between one stay and the next: more calls would be no likelier to be lost, and nobody could answer them.
const PAUSE: Duration = Duration::from_millis(300);

/// A bed, and the device beside it.
pub struct Bed {
    pub n: u8,
    pub room: RoomId,
    pub credential: CredentialId,
    pub token: String,
}

/// What was acknowledged there.
pub struct Day {
    pub room: RoomId,
    pub credential: CredentialId,
    pub calls: u64,
    pub emergencies: u64,
    pub messages: u64,
    /// Conversations of stays that are over.
    pub over: Vec<String>,
    pub again: u64,
}

impl Bed {
    /// Lives through one stay after the other until it is told to stop, and finishes the one that it is in.
    ///
    /// # Errors
    /// When an answer is none that the server gives.
    pub fn live(self, doors: &Doors, stop: &AtomicBool) -> anyhow::Result<Day> {
        let Self { n, room, credential, token } = self;
        let mut day = Day { room, credential, calls: 0, emergencies: 0, messages: 0, over: vec![], again: 0 };
        let bearer = format!("Bearer {token}");
        let mut stay = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            stay += 1;
            let name = |what: &str| format!("{n}-{stay}-{what}");
            day.admission(doors, "A01", n, stay)?;
            let first = day.turn(doors, &bearer, &name("water"), None, "can I get some water")?;
            anyhow::ensure!(first["intent"] == "nurse.request", "water is no call: {}", first["intent"]);
            day.calls += 1;
            let session = first["session"].as_str().map(str::to_owned);
            let cry = day.turn(doors, &bearer, &name("help"), session.as_deref(), "help me I can't breathe")?;
            anyhow::ensure!(cry["intent"] == "emergency.help", "a cry is none: {}", cry["intent"]);
            day.emergencies += 1;
            day.admission(doors, "A03", n, stay)?;
            day.over.extend(session);
            std::thread::sleep(PAUSE);
        }
        Ok(day)
    }
}

impl Day {
    /// One turn, until it is answered.
    fn turn(
        &mut self,
        doors: &Doors,
        bearer: &str,
        id: &str,
        session: Option<&str>,
        text: &str,
    ) -> anyhow::Result<Value> {
        let agent = Way::direct(None, PATIENCE).agent()?;
        let body = json!({ "text": text, "turn_id": id, "session": session }).to_string();
        loop {
            let Some(Open { http, .. }) = doors.wait() else { continue };
            match asked(&agent, &http, bearer, &body) {
                Some(answer) if answer["state"] != "rejected" => return Ok(answer),
                // It could not be made durable, and said so: as good as none.
                Some(_) | None => self.again += 1,
            }
        }
    }

    /// One message of the admission system, until it is taken.
    fn admission(&mut self, doors: &Doors, trigger: &str, bed: u8, stay: u64) -> anyhow::Result<()> {
        let when = system_now().strftime("%Y%m%d%H%M%S%.3f+0000").to_string();
        let message = format!(
            "\x0bMSH|^~\\&|ADT|BENCH|WS|BENCH|{when}||ADT^{trigger}|{bed}-{stay}-{trigger}|P|2.5.1\rEVN|{trigger}|{when}\r\
             PID|1||P{bed}-{stay}^^^BENCH^MR||Bench^Patient\rPV1|1|I|BENCH^{bed}^A\r\x1c\r"
        );
        loop {
            let Some(Open { admissions, .. }) = doors.wait() else { continue };
            match sent(admissions, &message).as_deref() {
                Some("AA") => break,
                Some(code) if code != "AE" => anyhow::bail!("an admission was answered {code}"),
                _ => self.again += 1,
            }
        }
        self.messages += 1;
        Ok(())
    }
}

/// The answer to a turn; `None` where none came.
fn asked(agent: &Agent, http: &str, bearer: &str, body: &str) -> Option<Value> {
    let request = agent.post(format!("{http}/v1/turns")).header("Authorization", bearer);
    let response = request.header("Content-Type", "application/json").send(body).ok()?;
    if !response.status().is_success() {
        return None;
    }
    serde_json::from_slice(&outgoing::body(response, 1 << 20).ok()?).ok()
}

/// The code of the answer to a message; `None` where none came.
fn sent(port: u16, message: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.write_all(message.as_bytes()).ok()?;
    let (mut bytes, mut buffer) = (vec![], [0; 1024]);
    while !bytes.contains(&0x1c) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split('\r').find_map(|line| line.strip_prefix("MSA|")?.split('|').next().map(str::to_owned))
}
