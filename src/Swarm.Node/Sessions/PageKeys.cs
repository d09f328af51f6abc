using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Swarm.Protocol;

namespace Swarm.Node.Sessions;

/// <summary>
/// Under what a session's pages can be found by others: hashes over all that their numbers depend on, the client above all. So a client meets its own sessions only: how fast another's
/// prompt is answered tells it nothing, and whoever gives wrong names misleads itself.
/// </summary>
internal sealed class PageKeys
{
    private readonly byte[] _scope;

    private PageKeys(byte[] scope)
    {
        _scope = scope;
    }

    private static ReadOnlySpan<byte> Domain => "swarm prefix key 1"u8;

    /// <summary>The keys of a session; null where its client proves no identity.</summary>
    /// <param name="client">Whose it is.</param>
    /// <param name="modelIdentity">Of the model.</param>
    /// <param name="roundingPoints">All of the session's: those behind the hop's blocks play no part.</param>
    /// <param name="plan">What is computed here.</param>
    public static PageKeys? Of(PeerId client, ByteString modelIdentity, IEnumerable<uint> roundingPoints, SessionPlan plan)
    {
        if (client.IsNone)
            return null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[PeerId.Length];
        client.CopyTo(bytes);
        hash.AppendData(Domain);
        hash.AppendData(bytes);
        Add(hash, modelIdentity.Length);
        hash.AppendData(modelIdentity.Span);
        Add(hash, plan.Part.Start);
        Add(hash, plan.Part.End);
        Add(hash, plan.Codec.Id);
        // Who embeds, what goes on with a page's rows, and whether rows go on at all.
        Add(hash, plan.Ends is null ? 0 : 1);
        Add(hash, plan.Next is null ? 0 : 1);
        foreach (uint point in roundingPoints)
        {
            if (point <= plan.Part.End)
                Add(hash, (int)point);
        }

        return new PageKeys(hash.GetHashAndReset());
    }

    /// <summary>The key of the positions up to a multiple of 16.</summary>
    /// <param name="label">The client's name for them.</param>
    public UInt128 Of(ByteString label)
    {
        Span<byte> text = stackalloc byte[SHA256.HashSizeInBytes + ChainLimits.LabelBytes];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _scope.CopyTo(text);
        label.Span.CopyTo(text[SHA256.HashSizeInBytes..]);
        SHA256.HashData(text, hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    private static void Add(IncrementalHash hash, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }
}
