using System.Text.Json;
using Swarm.Cli.Framework;
using Swarm.Client.Observing;

namespace Swarm.Cli.Watching;

/// <summary>A swarm's status as events have it.</summary>
internal static class StatusEvents
{
    /// <summary>Writes the fields of <c>status</c> and of its closing <c>done</c>.</summary>
    public static void Write(Utf8JsonWriter json, SwarmStatus status)
    {
        json.WriteString("swarm", status.Swarm);
        if (status.Model is { } model)
        {
            json.WriteString("model", model.Name);
            json.WriteString("modelIdentity", model.Identity);
        }
        else
        {
            json.WriteNull("model");
        }

        json.WriteIntegers("blocks", status.Replicas.AsSpan());
        json.WriteStartArray("alerts");
        foreach (StatusAlert alert in status.Alerts)
        {
            json.WriteStartObject();
            json.WriteString("code", alert.Code.ToString());
            json.WriteString("message", alert.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("nodes");
        foreach (ObservedNode node in status.Nodes)
            Write(json, node);
        json.WriteEndArray();
        json.WriteStartArray("models");
        foreach (ObservedModel other in status.Models)
        {
            json.WriteStartObject();
            json.WriteString("name", other.Name);
            json.WriteString("identity", other.Identity);
            json.WriteNumber("blocks", other.Blocks);
            json.WriteNumber("nodes", other.Nodes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, ObservedNode node)
    {
        json.WriteStartObject();
        json.WriteString("peer", node.Peer.ToString());
        json.WriteString("address", node.Address);
        json.WriteString("state", StatusText.Word(node.State));
        json.WriteBlocks("blocks", node.Blocks);
        json.WriteFinite("throughputTokensPerSecond", node.TokensPerSecond);
        json.WriteNumber("cacheTokensFree", node.CacheTokensFree);
        json.WriteNumber("sessions", node.Sessions);
        json.WriteString("version", node.Version);
        if (node.RoundTrip is { } time)
            json.WriteNumber("roundTripSeconds", time.TotalSeconds);
        else
            json.WriteNull("roundTripSeconds");
        json.WriteNumber("lastSeenSeconds", node.LastSeen.TotalSeconds);
        json.WriteString("grant", node.Grant);
        json.WriteEndObject();
    }
}
