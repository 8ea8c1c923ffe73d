//! Packets on a connection to a broker: whole ones out of bytes, and bytes of whole ones.
//!
//! Invariant: only what a broker may send is looked at; everything else ends the connection before it is read.

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{
    Error, QoS,
    v4::{Connect, ConnectReturnCode, LastWill, Packet, PubAck, Publish, Subscribe, SubscribeReasonCode, Unsubscribe},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};

use super::{
    Trouble,
    topic::{Filter, Topic},
    way::Stream,
};

/// Longest packet, in bytes.
pub(super) const LONGEST: usize = 256 * 1024;
/// Packet types of a broker: CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP.
const OF_BROKERS: [u8; 6] = [2, 3, 4, 9, 11, 13];

/// What a broker said.
pub(super) enum Told {
    Message { topic: String, payload: Bytes, retained: bool, receipt: Option<u16> },
    Published(u16),
    Subscribed { id: u16, taken: bool },
    Unsubscribed(u16),
    Alive,
}

/// The reading half.
pub(super) struct Reader {
    half: ReadHalf<Box<dyn Stream>>,
    bytes: BytesMut,
}

impl Reader {
    pub(super) fn new(half: ReadHalf<Box<dyn Stream>>) -> Self {
        Self { half, bytes: BytesMut::new() }
    }

    /// The next packet. May be given up at any point and asked again: what was read stays.
    pub(super) async fn next(&mut self) -> Result<Packet, Trouble> {
        loop {
            if let Some(packet) = whole(&mut self.bytes)? {
                return Ok(packet);
            }
            match self.half.read_buf(&mut self.bytes).await {
                Ok(0) | Err(_) => return Err(Trouble::BrokeOff),
                Ok(_) => {}
            }
        }
    }
}

/// The next whole packet; `None` until more has come.
fn whole(bytes: &mut BytesMut) -> Result<Option<Packet>, Trouble> {
    let Some(first) = bytes.first() else { return Ok(None) };
    if !OF_BROKERS.contains(&(first >> 4)) {
        return Err(Trouble::NotMqtt);
    }
    match Packet::read(bytes, LONGEST) {
        Ok(packet) => Ok(Some(packet)),
        Err(Error::InsufficientBytes(_)) => Ok(None),
        Err(_) => Err(Trouble::NotMqtt),
    }
}

/// What a packet means once the broker has greeted.
pub(super) fn told(packet: Packet) -> Result<Told, Trouble> {
    Ok(match packet {
        Packet::Publish(Publish { topic, payload, retain, pkid, qos, .. }) => {
            let receipt = match qos {
                QoS::AtMostOnce => None,
                QoS::AtLeastOnce => Some(pkid),
                // Nothing is subscribed to that way.
                QoS::ExactlyOnce => return Err(Trouble::NotMqtt),
            };
            Told::Message { topic, payload, retained: retain, receipt }
        }
        Packet::PubAck(ack) => Told::Published(ack.pkid),
        Packet::SubAck(ack) => {
            let failed = |code| matches!(code, &SubscribeReasonCode::Failure);
            Told::Subscribed { id: ack.pkid, taken: !ack.return_codes.iter().any(failed) }
        }
        Packet::UnsubAck(ack) => Told::Unsubscribed(ack.pkid),
        Packet::PingResp => Told::Alive,
        _ => return Err(Trouble::NotMqtt),
    })
}

/// What the broker answered to the greeting.
pub(super) fn greeted(packet: &Packet) -> Result<(), Trouble> {
    let Packet::ConnAck(answer) = packet else { return Err(Trouble::NotMqtt) };
    match answer.code {
        ConnectReturnCode::Success => Ok(()),
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => Err(Trouble::NotKnown),
        _ => Err(Trouble::Refused),
    }
}

/// The writing half.
pub(super) struct Writer(pub(super) WriteHalf<Box<dyn Stream>>);

impl Writer {
    pub(super) async fn write(&mut self, packet: &Packet) -> Result<(), Trouble> {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, LONGEST).map_err(|_| Trouble::NotMqtt)?;
        self.0.write_all(&bytes).await.map_err(|_| Trouble::BrokeOff)?;
        self.0.flush().await.map_err(|_| Trouble::BrokeOff)
    }
}

/// The greeting. A client that breaks off is told of at `will`.
pub(super) fn connect(name: &str, login: Option<(&str, &str)>, will: Option<&Topic>, keep_alive: u16) -> Packet {
    let mut connect = Connect::new(name);
    connect.keep_alive = keep_alive;
    connect.clean_session = true;
    connect.last_will = will.map(|topic| LastWill::new(topic.as_str(), "offline", QoS::AtLeastOnce, true));
    if let Some((user, password)) = login {
        connect.set_login(user, password);
    }
    Packet::Connect(connect)
}

pub(super) fn publish(id: u16, topic: &Topic, payload: Bytes, retain: bool) -> Packet {
    let mut publish = Publish::from_bytes(topic.as_str(), QoS::AtLeastOnce, payload);
    (publish.pkid, publish.retain) = (id, retain);
    Packet::Publish(publish)
}

pub(super) fn subscribe(id: u16, filter: &Filter) -> Packet {
    let mut subscribe = Subscribe::new(filter.as_str(), QoS::AtLeastOnce);
    subscribe.pkid = id;
    Packet::Subscribe(subscribe)
}

pub(super) fn unsubscribe(id: u16, filter: &Filter) -> Packet {
    let mut unsubscribe = Unsubscribe::new(filter.as_str());
    unsubscribe.pkid = id;
    Packet::Unsubscribe(unsubscribe)
}

pub(super) fn receipt(id: u16) -> Packet {
    Packet::PubAck(PubAck::new(id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_that_no_broker_sends_end_the_connection() {
        for first in [0x10u8, 0x82, 0xa2, 0xc0, 0xe0, 0x00, 0xf0] {
            assert!(whole(&mut BytesMut::from(&[first, 0x02, 0, 0][..])).is_err(), "{first:x}");
        }
        assert!(matches!(whole(&mut BytesMut::from(&[0x20u8, 0x02, 0][..])), Ok(None)), "not all there yet");
        let late = whole(&mut BytesMut::from(&[0x20u8, 0x02, 0, 5][..])).expect("whole").expect("a packet");
        assert_eq!(greeted(&late), Err(Trouble::NotKnown));
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut bytes = BytesMut::from(&bytes[..]);
            while let Ok(Some(packet)) = whole(&mut bytes) {
                let _ = told(packet);
            }
        }
    }
}
