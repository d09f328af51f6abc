using System.Globalization;
using System.Text.Json;
using Swarm.Cli.Framework;
using Swarm.Cli.Home;
using Swarm.Cli.Watching;
using Swarm.Protocol;
using Swarm.Protocol.Membership;

namespace Swarm.Cli.Commands;

/// <summary>Shows the invite of the home's swarm; founds a swarm, issues further invites, ends them.</summary>
internal sealed class InviteCommand : CommandDefinition
{
    private static readonly Setting<bool> New =
        Setting<bool>.Switch("new", "found a swarm, which becomes this home's current one", inputOnly: true);

    private static readonly Setting<string?> For =
        new("for", "LABEL", "issue another invite, to be ended apart from the others", Label, null, inputOnly: true);

    private static readonly Setting<int?> Expires =
        new("expires", "DAYS", "with --new or --for: the invite ends after so many days (default: never)", Values.OptionalInteger(1, 36_500), null, inputOnly: true);

    private static readonly Setting<string?> Revoke =
        new("revoke", "ID", "end an invite, where the swarm was founded", Values.OptionalText, null, inputOnly: true);

    private static readonly Setting<bool> MembersStay =
        new("members", "stay|leave", "with --revoke: whether nodes that came by the invite stay (default leave)", Members, false, inputOnly: true);

    private static readonly Setting<bool> List = Setting<bool>.Switch("list", "every invite issued here", inputOnly: true);

    public override string Name => "invite";

    public override string Description => "shows this swarm's invite; founds a swarm, ends an invite";

    public override IReadOnlyList<ISetting> Settings => [New, CommonSettings.Public, For, Expires, Revoke, MembersStay, List, CommonSettings.Dial];

    public override async Task<int> RunAsync(CommandContext context)
    {
        bool isNew = context.Get(New);
        string? label = context.Get(For);
        string? revoked = context.Get(Revoke);
        bool list = context.Get(List);
        if (new[] { isNew, label is not null, revoked is not null, list }.Count(given => given) > 1)
            throw new UsageException("'swarm invite' takes one of --new, --for, --revoke, --list");
        int? days = context.Get(Expires);
        if (days is not null && !isNew && label is null)
            throw new UsageException("--expires belongs to --new or --for");
        DateTimeOffset? notAfter = days is { } given ? context.Time.GetUtcNow().AddDays(given) : null;

        HomeSwarms swarms = new(context.Home);
        if (!isNew && swarms.Current() is null)
        {
            throw new CommandException(
                "NotAMember", $"no swarm in {context.Home.Path}: 'swarm serve' founds one, 'swarm serve --join INVITE' joins one, 'swarm invite --new' founds one without a node");
        }

        // Readers need no lock: files are replaced whole.
        using FileLock? taken = isNew || label is not null || revoked is not null ? await swarms.LockAsync(context.Time, context.Interrupts.Polite) : null;
        if (isNew)
            Found(context, swarms, notAfter);
        else if (label is not null)
            Show(context, new InviteLedger(swarms.Current()!, context.Time).Issue(label, notAfter));
        else if (revoked is not null)
            await RevokeAsync(context, swarms.Current()!, revoked);
        else if (list)
            ShowAll(context, swarms.Current()!);
        else
            Show(context, swarms.Current()!.ReadInvite());
        return ExitCode.Done;
    }

    private static void Found(CommandContext context, HomeSwarms swarms, DateTimeOffset? notAfter)
    {
        bool isPublic = context.Get(CommonSettings.Public);
        SwarmFolder? before = swarms.Current();
        SwarmFolder founded = swarms.Found(isPublic, notAfter);
        context.Say($"founded swarm {founded.Id.Fingerprint}; 'swarm serve' starts its first node, and the invite then names where it listens");
        if (before is not null)
            context.Say($"swarm {before.Id.Fingerprint} stays in {context.Home.Path}; --join with an invite of it goes back");
        if (isPublic)
            context.Say(SwarmWords.Public);
        Show(context, founded.ReadInvite());
    }

    private static async Task RevokeAsync(CommandContext context, SwarmFolder swarm, string id)
    {
        bool stay = context.Get(MembersStay);
        InviteLedger ledger = new(swarm, context.Time);
        SwarmInvite invite = ledger.Find(id);

        // Who stays must be known before the list is signed; who is only told of it can hear it later.
        IReadOnlyList<PeerId> came = [];
        int told = 0;
        await using Observation? observation = await TryObserveAsync(context, swarm, invite, stay);
        if (observation is not null)
            came = [.. (await observation.Observer.FindWhoCameByAsync(invite.Id, context.Interrupts.Polite)).Select(node => node.Peer)];
        RevocationList list = ledger.Revoke(invite, stay ? came : [], observation?.Member.Credentials.Gate.Revocations);
        if (observation is not null)
            told = await observation.Member.PublishRevocationsAsync(list, context.Interrupts.Polite);
        SwarmInvite shown = swarm.ReadInvite();
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                Write(json, shown);
                json.WriteString("revoked", invite.Id.ToString());
                json.WriteString("members", stay ? "stay" : "leave");
                json.WriteNumber("cameBy", came.Count);
                json.WriteNumber("published", told);
            });
            return;
        }

        context.Say($"invite {invite.Id} is ended: nobody joins by it any more");
        string nodes = came.Count switch
        {
            0 => "no node is seen that came by it",
            1 => stay ? "the node that came by it stays" : "the node that came by it is shut out too (--members stay keeps it)",
            _ => stay ? $"the {came.Count} nodes that came by it stay" : $"the {came.Count} nodes that came by it are shut out too (--members stay keeps them)",
        };
        context.Say($"{nodes}; clients that use it are refused");
        context.Say(told > 0 ? $"{told} nodes hold the list that says so; the others hear of it within a minute" : "no node answers now; they hear of it when a node of this home serves next");
        context.Say("the invite to hand out:");
        context.Out.WriteLine(shown.ToText());
    }

    // Null when nobody answers, which only matters where somebody is to stay.
    private static async Task<Observation?> TryObserveAsync(CommandContext context, SwarmFolder swarm, SwarmInvite invite, bool stay)
    {
        try
        {
            return await Observation.OpenAsync(context, swarm.ReadMembership(), swarm.ReadRevocations());
        }
        catch (CommandException exception) when (exception.Code == nameof(FaultKind.PeerUnreachable))
        {
            return !stay
                ? null
                : throw new CommandException(exception.Code, $"who came by {invite.Id} and stays can only be asked of the swarm: {exception.Message}", exception.ExitCode, exception);
        }
    }

    private static void Show(CommandContext context, SwarmInvite invite)
    {
        if (context.Events is { } events)
        {
            events.Write("done", json => Write(json, invite));
            return;
        }

        context.Out.WriteLine(invite.ToText());
        if (context.Host.OutputIsTerminal)
            context.Say($"swarm {invite.Swarm.Fingerprint}, invite {invite.Id}{Terms(invite)}; whoever has it is in, so hand it over as you would a key");
    }

    private static void ShowAll(CommandContext context, SwarmFolder swarm)
    {
        InviteLedger ledger = new(swarm, context.Time);
        SwarmInvite shown = swarm.ReadInvite();
        IReadOnlyList<SwarmInvite> issued = swarm.IsFounder ? swarm.ReadIssued() : [shown];
        if (context.Events is { } events)
        {
            events.Write("done", json =>
            {
                Write(json, shown);
                json.WriteStartArray("invites");
                foreach (SwarmInvite invite in issued)
                {
                    ledger.IsOver(invite, out string word);
                    json.WriteStartObject();
                    json.WriteString("id", invite.Id.ToString());
                    json.WriteString("label", invite.Grant.Label);
                    json.WriteString("state", word);
                    WriteExpires(json, invite);
                    json.WriteString("invite", invite.WithAddresses(shown.Addresses).ToText());
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
            return;
        }

        foreach (SwarmInvite invite in issued)
        {
            ledger.IsOver(invite, out string word);
            string mark = invite.Id == shown.Id ? ", handed out by 'swarm invite'" : "";
            context.Out.WriteLine($"{invite.Id}  {word,-7}  {(invite.Grant.Label.Length > 0 ? invite.Grant.Label : "-")}{Terms(invite)}{mark}");
        }
    }

    private static void Write(Utf8JsonWriter json, SwarmInvite invite)
    {
        json.WriteString("invite", invite.ToText());
        json.WriteString("id", invite.Id.ToString());
        json.WriteString("swarm", invite.Swarm.ToString());
        WriteExpires(json, invite);
        json.WriteBoolean("public", invite.Grant.IsPublic);
        if (invite.Grant.Label.Length > 0)
            json.WriteString("label", invite.Grant.Label);
    }

    private static void WriteExpires(Utf8JsonWriter json, SwarmInvite invite)
    {
        if (invite.Grant.NotAfter is { } end)
            json.WriteString("expires", end.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        else
            json.WriteNull("expires");
    }

    private static string Terms(SwarmInvite invite) => (invite.Grant.NotAfter is { } end ? $", ends {end:yyyy-MM-dd HH:mm} UTC" : "") + (invite.Grant.IsPublic ? ", public" : "");

    private static string? Label(string text) => text.Trim() is { Length: > 0 and <= MembershipLimits.MaxLabelLength } label
        ? label
        : throw new FormatException($"1 to {MembershipLimits.MaxLabelLength} characters");

    private static bool Members(string text) => text switch
    {
        "stay" => true,
        "leave" => false,
        _ => throw new FormatException("stay or leave"),
    };
}
