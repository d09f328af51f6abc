using System.Text;
using Swarm.Protocol.Dht;

namespace Swarm.Protocol.Tests.Dht;

/// <summary>A topic for tests: the payload is a peer id, the first and the last block as one byte each, and a text.</summary>
internal sealed class TestPolicy : IRecordPolicy
{
    public const uint Schema = 7;

    public const int ModelBlocks = 30;

    public static byte[] Payload(PeerId speaksFor, string text, byte first = 0, byte end = ModelBlocks) => [.. speaksFor.ToByteString().Span, first, end, .. Encoding.UTF8.GetBytes(text)];

    public static string TextOf(DhtRecord record) => Encoding.UTF8.GetString(record.Payload.Span[(PeerId.Length + 2)..]);

    public RecordRefusal? Check(DhtRecord record)
    {
        if (record.Schema != Schema)
            return RecordRefusal.WrongSchema;
        ReadOnlySpan<byte> payload = record.Payload.Span;
        if (payload.Length < PeerId.Length + 2)
            return RecordRefusal.InvalidPayload;
        if (new PeerId(payload[..PeerId.Length]) != record.Signer)
            return RecordRefusal.NotTheSigners;
        return payload[PeerId.Length] >= payload[PeerId.Length + 1] || payload[PeerId.Length + 1] > ModelBlocks ? RecordRefusal.BlocksOutsideModel : null;
    }
}
