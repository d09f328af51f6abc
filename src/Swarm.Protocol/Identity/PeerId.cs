using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;

namespace Swarm.Protocol;

/// <summary>Who a peer is: the SHA-256 of its public key (SubjectPublicKeyInfo). Ordered as its hexadecimal text.</summary>
public readonly record struct PeerId : IComparable<PeerId>
{
    /// <summary>Bytes of an id.</summary>
    public const int Length = Hash256.Length;

    private readonly Hash256 _value;

    /// <param name="bytes">Exactly <see cref="Length"/> bytes.</param>
    public PeerId(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"peer id of {bytes.Length} bytes, expected {Length}", nameof(bytes));
        _value = new Hash256(bytes);
    }

    private PeerId(Hash256 value)
    {
        _value = value;
    }

    /// <summary>The id that stands for nobody: 32 zero bytes.</summary>
    public bool IsNone => this == default;

    /// <summary>The first eight characters, for tables.</summary>
    public string Short => ToString()[..8];

    /// <summary>Four groups of four characters, for people who compare ids by voice or eye. 64 bits: enough against chance, not against a forger who searches; programs compare all.</summary>
    public string Fingerprint => _value.ToFingerprint();

    /// <summary>The id of a public key given as SubjectPublicKeyInfo.</summary>
    public static PeerId OfPublicKey(ReadOnlySpan<byte> subjectPublicKeyInfo) => new(Hash256.Of(subjectPublicKeyInfo));

    /// <summary>Reads an id from the wire; false when it has another length.</summary>
    public static bool TryRead(ByteString bytes, out PeerId id)
    {
        bool right = bytes.Length == Length;
        id = right ? new PeerId(bytes.Span) : default;
        return right;
    }

    /// <summary>Reads the 64 hexadecimal digits that <see cref="ToString"/> writes.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out PeerId id)
    {
        bool right = Hash256.TryParse(text, out Hash256 value);
        id = new PeerId(value);
        return right;
    }

    /// <summary>The id as the wire has it.</summary>
    public ByteString ToByteString() => _value.ToByteString();

    /// <summary>Writes the <see cref="Length"/> bytes of the id.</summary>
    public void CopyTo(Span<byte> bytes) => _value.CopyTo(bytes);

    public int CompareTo(PeerId other) => _value.CompareTo(other._value);

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString() => _value.ToString();
}
