using System.Text;
using System.Text.RegularExpressions;

namespace Swarm.Protocol.Tests;

/// <summary>Makes the text of docs/faults.md from the fault table; what a kind means is said once, in the protocol file.</summary>
internal static partial class FaultDocument
{
    public static string Write(string protocolFile)
    {
        Dictionary<string, string> meanings = Meaning().Matches(protocolFile)
            .ToDictionary(match => Name(match.Groups["name"].Value), match => string.Join(' ', match.Groups["text"].Value.Split('\n').Select(line => line.Trim().TrimStart('/').Trim())).Trim());
        var text = new StringBuilder();
        text.Append(
            """
            # Faults

            Made from `src/Swarm.Protocol/Faults/FaultTable.cs` and `protos/swarm/v1/fault.proto` by a test (`tests/Swarm.Protocol.Tests/FaultTableTests.cs`, which says how to write it anew).
            One closed list of kinds; each has one row, so that nothing is judged twice, and by two measures.

            - **Fault of**: *Caller* is never tried again; *Swarm* (overload) goes elsewhere and nobody pays; *Nobody* is meant.
            - **The client**: *Fail* tells the caller; *Resend* sends again to the same hops under a new epoch, and replaces the peer if it happens again; *Replace* takes another peer for its blocks;
              *Elsewhere* takes another, or the same where there is none; *WaitAndRetry* waits within the grace time.
            - **Costs**: only what a client saw itself. What one hop says of another is looked into with a probe, never believed; the session goes around that peer for a while.
              What answers a probe is back.

            | kind | means | fault of | gRPC status | the client | costs the peer |
            |---|---|---|---|---|---|

            """);
        foreach (FaultKind kind in Enum.GetValues<FaultKind>().Where(kind => kind != FaultKind.Unspecified))
        {
            FaultRule rule = kind.Rule();
            string cost = rule.Cost switch
            {
                FaultCost.HiddenUntilProbe => "hidden until a probe answers",
                FaultCost.HiddenForAMinute => "hidden for a minute, the second time",
                _ => "nothing",
            };
            text.Append($"| `{rule.Code}` | {meanings[kind.ToString()]} | {rule.Blame} | {rule.Status} | {rule.Response} | {cost} |\n");
        }

        return text.ToString();
    }

    // FAULT_KIND_NO_ROUTE is NoRoute.
    private static string Name(string constant) =>
        string.Concat(constant.Split('_').Skip(2).Select(word => word[0] + word[1..].ToLowerInvariant()));

    [GeneratedRegex(@"(?<text>(?:^  //[^\n]*\n)+)  (?<name>FAULT_KIND_\w+) =", RegexOptions.Multiline)]
    private static partial Regex Meaning();
}
