using System.Text.Json;
using Swarm.Cli.Framework;
using Swarm.Client;

namespace Swarm.Cli.Generating;

/// <summary>The events of a generation, as generate, chat and demo write them.</summary>
internal static class GenerationEvents
{
    /// <summary>What stands for the peer where blocks are computed in this process.</summary>
    private const string ThisProcess = "local";

    public static void Route(EventWriter events, ChainRoute route) => events.Write("route", json =>
    {
        WriteRoute(json, "hops", route);
        json.WriteIntegers("roundingPoints", [.. route.RoundingPoints]);
        json.WriteString("codec", route.Codec);
        json.WriteNumber("epoch", route.Epoch);
    });

    public static void Token(EventWriter events, GeneratedToken token) => events.Write("token", json =>
    {
        json.WriteNumber("id", token.Id);
        json.WriteString("text", token.Text);
        json.WriteNumber("position", token.Position);
    });

    public static void Recovery(EventWriter events, ChainRecovery recovery) => events.Write("recovery", json =>
    {
        json.WriteString("reason", recovery.Reason);
        json.WriteString("peer", recovery.Peer?.ToString());
        json.WriteBlocks("blocks", recovery.Blocks);
        json.WriteNumber("replayedTokens", recovery.ReplayedTokens);
        json.WriteNumber("replayDepth", recovery.ReplayDepth);
        json.WriteNumber("recomputedDownstreamTokens", recovery.RecomputedDownstreamTokens);
        json.WriteNumber("seconds", recovery.Pause.TotalSeconds);
        json.WriteNumber("epoch", recovery.Epoch);
    });

    public static void WriteRoute(Utf8JsonWriter json, string name, ChainRoute route)
    {
        json.WriteStartArray(name);
        foreach (ChainHop hop in route.Hops)
        {
            json.WriteStartObject();
            json.WriteString("peer", hop.Peer?.ToString() ?? ThisProcess);
            json.WriteString("address", hop.Address);
            json.WriteBlocks("blocks", hop.Blocks);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Fields of generate's <c>done</c>.</summary>
    public static void WriteResult(Utf8JsonWriter json, GenerationResult result)
    {
        json.WriteString("text", result.Text);
        json.WriteNumber("promptTokens", result.PromptTokens);
        json.WriteNumber("prefilledTokens", result.PrefilledTokens);
        json.WriteNumber("prefixTokens", result.PrefixTokens);
        json.WriteIntegers("tokens", [.. result.Tokens]);
        json.WriteString("finishReason", Word(result.FinishReason));
        json.WriteNumber("timeToFirstToken", result.TimeToFirstToken.TotalSeconds);
        json.WriteFinite("prefillTokensPerSecond", result.PrefillTokensPerSecond);
        json.WriteFinite("tokensPerSecond", result.TokensPerSecond);
        json.WriteNumber("recoveries", result.Recoveries);
        WriteRoute(json, "route", result.Route);
        json.WriteStartObject("wire");
        json.WriteNumber("sentBytes", result.Figures.SentBytes);
        json.WriteNumber("receivedBytes", result.Figures.ReceivedBytes);
        json.WriteFinite("hiddenBytesPerValue", result.Figures.HiddenBytesPerValue);
        json.WriteEndObject();
        json.WriteStartArray("hops");
        foreach (HopFigures hop in result.Figures.Hops)
        {
            json.WriteStartObject();
            json.WriteString("peer", hop.Peer?.ToString() ?? ThisProcess);
            json.WriteString("address", hop.Address);
            json.WriteBlocks("blocks", hop.Blocks);
            json.WriteNumber("computeSeconds", hop.ComputeSeconds);
            json.WriteNumber("queueSeconds", hop.QueueSeconds);
            json.WriteNumber("networkSeconds", hop.NetworkSeconds);
            json.WriteNumber("forwardedDirectly", hop.ForwardedDirectly);
            json.WriteNumber("hiddenBytes", hop.HiddenBytes);
            json.WriteNumber("tokens", hop.Tokens);
            json.WriteNumber("replayedTokens", hop.ReplayedTokens);
            json.WriteNumber("recomputedTokens", hop.RecomputedTokens);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    public static string Word(FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.EndOfSequence => "eos",
        _ => "length",
    };
}
