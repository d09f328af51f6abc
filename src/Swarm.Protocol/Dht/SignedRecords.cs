using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Google.Protobuf;

namespace Swarm.Protocol.Dht;

/// <summary>How records are made, read and checked: functions of the bytes, the swarm and the time.</summary>
public static class SignedRecords
{
    /// <summary>Bytes of an ECDSA key on P-256 as SubjectPublicKeyInfo.</summary>
    private const int PublicKeyBytes = 91;

    private static ReadOnlySpan<byte> Domain => "swarm.v1.SignedRecord\0"u8;

    /// <summary>Signs a record.</summary>
    /// <param name="signer">Who speaks.</param>
    /// <param name="key">Where the record shall be held.</param>
    /// <param name="swarm">The swarm that it belongs to.</param>
    /// <param name="schema">Version of the payload's meaning.</param>
    /// <param name="sequence">Above that of every earlier record of the signer under this key.</param>
    /// <param name="lifetime">1 ms to <see cref="DhtLimits.MaxLifetime"/>.</param>
    /// <param name="now">The signer's time.</param>
    /// <param name="payload">At most <paramref name="maxPayload"/> bytes.</param>
    /// <param name="maxPayload">What the topic has room for.</param>
    /// <exception cref="ArgumentOutOfRangeException">Lifetime or payload are over their limit.</exception>
    public static SignedRecord Create(PeerKey signer, DhtKey key, SwarmId swarm, uint schema, ulong sequence, TimeSpan lifetime, DateTimeOffset now, ReadOnlySpan<byte> payload, int maxPayload = DhtLimits.MaxPayloadBytes)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (lifetime < TimeSpan.FromMilliseconds(1) || lifetime > DhtLimits.MaxLifetime)
            throw new ArgumentOutOfRangeException(nameof(lifetime), lifetime, $"lifetime: expected 1 ms to {DhtLimits.MaxLifetime}");
        if (payload.Length > maxPayload)
            throw new ArgumentOutOfRangeException(nameof(payload), payload.Length, $"payload: expected at most {maxPayload} bytes");
        var body = new RecordBody
        {
            Schema = schema,
            Swarm = swarm.ToByteString(),
            Key = key.ToByteString(),
            Signer = signer.Id.ToByteString(),
            Sequence = sequence,
            LifetimeMilliseconds = (uint)lifetime.TotalMilliseconds,
            SignedUnixMilliseconds = now.ToUnixTimeMilliseconds(),
            Payload = ByteString.CopyFrom(payload),
        };
        return Sign(signer, body);
    }

    /// <summary>Signs any body, sound or not.</summary>
    internal static SignedRecord Sign(PeerKey signer, RecordBody body)
    {
        ByteString bytes = body.ToByteString();
        return new SignedRecord
        {
            Body = bytes,
            PublicKey = ByteString.CopyFrom(signer.PublicKey.Span),
            Signature = UnsafeByteOperations.UnsafeWrap(signer.Sign(Signed(bytes))),
        };
    }

    /// <summary>Checks a record as every holder and reader does, but for what it knows of older ones: form, swarm, peer id, lifetime, time, signature, policy.</summary>
    /// <param name="wire">From anybody.</param>
    /// <param name="swarm">The only swarm whose records are taken.</param>
    /// <param name="now">The checker's time.</param>
    /// <param name="policy">What the topic asks for.</param>
    /// <param name="record">The record as read; set where null is returned.</param>
    public static RecordRefusal? Verify(SignedRecord wire, SwarmId swarm, DateTimeOffset now, IRecordPolicy policy, out DhtRecord? record)
    {
        ArgumentNullException.ThrowIfNull(policy);
        record = null;
        if (Read(wire, swarm, now, policy, out DhtRecord? read) is { } unsound)
            return unsound;
        if (!HasSoundSignature(read!))
            return RecordRefusal.BadSignature;
        if (policy.Check(read!) is { } refused)
            return refused;
        record = read;
        return null;
    }

    /// <summary>Reads a record and checks all that is cheap: everything but its signature and what the policy asks of the payload.</summary>
    internal static RecordRefusal? Read(SignedRecord? wire, SwarmId swarm, DateTimeOffset now, IRecordPolicy policy, out DhtRecord? record)
    {
        record = null;
        if (wire is null)
            return RecordRefusal.Malformed;
        int bytes = wire.CalculateSize();
        if (bytes > DhtLimits.MaxLongPayloadBytes + DhtLimits.RecordFrameBytes)
            return RecordRefusal.TooLong;
        if (wire.PublicKey.Length != PublicKeyBytes || wire.Signature.Length != PeerKey.SignatureLength || !TryParseBody(wire.Body, out RecordBody? body))
            return RecordRefusal.Malformed;
        if (!DhtKey.TryRead(body.Key, out DhtKey key))
            return RecordRefusal.Malformed;
        int room = Math.Min(policy.MaxPayloadBytes(key), DhtLimits.MaxLongPayloadBytes);
        if (body.Payload.Length > room || bytes > room + DhtLimits.RecordFrameBytes)
            return RecordRefusal.TooLong;
        if (!SwarmId.TryRead(body.Swarm, out SwarmId of) || !PeerId.TryRead(body.Signer, out PeerId signer))
            return RecordRefusal.Malformed;
        if (of != swarm)
            return RecordRefusal.WrongSwarm;
        if (signer != PeerId.OfPublicKey(wire.PublicKey.Span))
            return RecordRefusal.PeerIdMismatch;
        if (body.LifetimeMilliseconds == 0 || body.LifetimeMilliseconds > DhtLimits.MaxLifetime.TotalMilliseconds)
            return RecordRefusal.LifetimeTooLong;
        if (!TryReadTime(body.SignedUnixMilliseconds, out DateTimeOffset signedAt) || (signedAt - now).Duration() > DhtLimits.MaxClockSkew)
            return RecordRefusal.TimeTooFarOff;
        record = new DhtRecord(
            Keep(wire), HashOf(wire), bytes, body.Schema, of, key, signer, body.Sequence, TimeSpan.FromMilliseconds(body.LifetimeMilliseconds), signedAt, Within(wire.Body, body.Payload));
        return null;
    }

    /// <summary>Whether the public key's owner signed the body. About 0.1 ms.</summary>
    internal static bool HasSoundSignature(DhtRecord record) =>
        PeerKey.Verify(record.Wire.PublicKey.Span, Signed(record.Wire.Body), record.Wire.Signature.Span);

    /// <summary>The record without what a carrier may have added to it.</summary>
    private static SignedRecord Keep(SignedRecord wire) => new() { Body = wire.Body, PublicKey = wire.PublicKey, Signature = wire.Signature };

    /// <summary>The payload as part of the body's memory, so that a holder keeps it once.</summary>
    private static ReadOnlyMemory<byte> Within(ByteString body, ByteString payload)
    {
        int start = body.Span.IndexOf(payload.Span);
        return start < 0 ? payload.Memory : body.Memory.Slice(start, payload.Length);
    }

    private static byte[] Signed(ByteString body) => [.. Domain, .. body.Span];

    private static DhtKey HashOf(SignedRecord wire)
    {
        // The lengths of key and signature are fixed, so the three parts cannot be cut differently.
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(wire.PublicKey.Span);
        hash.AppendData(wire.Signature.Span);
        hash.AppendData(wire.Body.Span);
        return new DhtKey(hash.GetHashAndReset());
    }

    private static bool TryParseBody(ByteString bytes, [NotNullWhen(true)] out RecordBody? body)
    {
        try
        {
            body = RecordBody.Parser.WithDiscardUnknownFields(true).ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            body = null;
            return false;
        }
    }

    private static bool TryReadTime(long milliseconds, out DateTimeOffset time)
    {
        bool right = milliseconds is >= 0 and < 253_402_300_800_000;
        time = right ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : default;
        return right;
    }
}
