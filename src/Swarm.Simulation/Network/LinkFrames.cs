using System.Globalization;
using Google.Protobuf;
using Swarm.Protocol.Transport;
using Swarm.Protocol.Wire;

namespace Swarm.Simulation;

/// <summary>What the network sees of a link's messages.</summary>
internal static class LinkFrames
{
    /// <summary>A message in words: what a trace of it shows.</summary>
    public static string Describe(byte[] frame)
    {
        var message = LinkFrame.Parser.ParseFrom(frame.AsSpan(FrameHeader.Bytes));
        string body = message.BodyCase switch
        {
            LinkFrame.BodyOneofCase.Step => string.Create(
                CultureInfo.InvariantCulture,
                $"Step #{message.Step.Number} {message.Step.Position}+{message.Step.Count}{(message.Step.Replay ? " replay" : "")} confirmed {message.Step.Confirmed}"),
            LinkFrame.BodyOneofCase.Result => string.Create(CultureInfo.InvariantCulture, $"Result #{message.Result.Number} {message.Result.Position}+{message.Result.Count}"),
            LinkFrame.BodyOneofCase.Fault => $"Fault {message.Fault.Kind}: {message.Fault.Message}",
            LinkFrame.BodyOneofCase.Opened => $"Opened {message.Opened}",
            LinkFrame.BodyOneofCase.Ack => $"Ack #{message.Ack.Number}",
            _ => message.BodyCase.ToString(),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{message.SessionHigh & 0xffff:x4} e{message.Epoch} {body}");
    }

    private const int ChunkField = 15;

    /// <summary>Whether a message ends with a part of hidden states, and how many bytes of it that is.</summary>
    public static bool TryFindChunk(byte[] frame, out int bytes)
    {
        bytes = 0;
        var input = new CodedInputStream(frame, FrameHeader.Bytes, frame.Length - FrameHeader.Bytes);
        while (input.ReadTag() is not 0 and uint tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == ChunkField)
            {
                bytes = input.ReadLength();
                return bytes > 8;
            }

            input.SkipLastField();
        }

        return false;
    }
}
