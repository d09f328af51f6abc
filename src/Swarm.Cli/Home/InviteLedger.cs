using Swarm.Cli.Framework;
using Swarm.Protocol;
using Swarm.Protocol.Membership;

namespace Swarm.Cli.Home;

/// <summary>Issues and ends invites of a swarm, where its root key is.</summary>
internal sealed class InviteLedger(SwarmFolder swarm, TimeProvider time)
{
    /// <summary>Shortest beginning of an id that names an invite.</summary>
    private const int LeastIdLength = 4;

    /// <summary>Issues another invite, to be ended apart from the others.</summary>
    /// <exception cref="CommandException">NotFounder.</exception>
    public SwarmInvite Issue(string label, DateTimeOffset? notAfter)
    {
        using SwarmRoot root = OpenRoot();
        SwarmInvite shown = swarm.ReadInvite();
        SwarmInvite issued = root
            .Issue(shown.Addresses, new GrantTerms { Public = shown.Grant.IsPublic, NotAfter = notAfter, Label = label })
            .WithModel(shown.ModelIdentity, shown.ModelName, shown.DescriptionHash);
        swarm.AddIssued(issued);
        return issued;
    }

    /// <summary>The invite that an id, or the beginning of one, names.</summary>
    /// <exception cref="CommandException">NotFounder, UnknownInvite.</exception>
    public SwarmInvite Find(string id)
    {
        RequireFounder();
        string wanted = id.Trim().ToLowerInvariant();
        SwarmInvite[] found = [.. swarm.ReadIssued().Where(invite => wanted.Length >= LeastIdLength && invite.Id.ToString().StartsWith(wanted, StringComparison.Ordinal))];
        if (found is [{ } one])
            return one;
        if (found.Length > 1)
            throw new CommandException("UnknownInvite", $"'{id}' begins the ids of {found.Length} invites, expected one; 'swarm invite --list' shows them");
        string reason = swarm.ReadMembership().Id.ToString().StartsWith(wanted, StringComparison.Ordinal) && wanted.Length >= LeastIdLength
            ? "is what this home's own nodes are members by, not an invite"
            : "is the id of no invite issued here";
        throw new CommandException("UnknownInvite", $"'{id}' {reason}; 'swarm invite --list' shows them");
    }

    /// <summary>Ends an invite: signs the list that says so, and keeps it here. Where it was the invite handed out, a new one takes its place.</summary>
    /// <param name="invite">Which.</param>
    /// <param name="staying">Peers that came by it and stay.</param>
    /// <param name="newest">The newest list that the swarm has, where one was heard.</param>
    public RevocationList Revoke(SwarmInvite invite, IEnumerable<PeerId> staying, RevocationList? newest)
    {
        using SwarmRoot root = OpenRoot();
        RevocationList? known = swarm.ReadRevocations();
        if (newest is not null && newest.Sequence > (known?.Sequence ?? 0))
            known = newest;

        // A grant that has ended by itself needs no entry.
        HashSet<GrantId> over = [.. swarm.ReadIssued().Where(issued => issued.Grant.NotAfter < time.GetUtcNow()).Select(issued => issued.Id)];
        Revocation[] entries =
        [
            .. (known?.Entries ?? []).Where(entry => entry.Grant != invite.Id && !over.Contains(entry.Grant)),
            new Revocation(invite.Id, [.. staying.Distinct().Order()]),
        ];
        RevocationList list;
        try
        {
            list = root.SignRevocations((known?.Sequence ?? 0) + 1, entries);
        }
        catch (ArgumentException exception)
        {
            throw new CommandException("InvalidArgument", exception.Message, inner: exception);
        }

        SwarmInvite shown = swarm.ReadInvite();
        swarm.WriteRevocations(list);
        if (shown.Id == invite.Id)
            swarm.WriteInvite(Issue("", null));
        return list;
    }

    /// <summary>Whether an invite lets nobody in any more.</summary>
    public bool IsOver(SwarmInvite invite, out string word)
    {
        bool ended = invite.Grant.NotAfter < time.GetUtcNow();
        bool revoked = swarm.ReadRevocations()?.Entries.Any(entry => entry.Grant == invite.Id) == true;
        word = revoked ? "revoked" : ended ? "expired" : "open";
        return ended || revoked;
    }

    private void RequireFounder()
    {
        if (!swarm.IsFounder)
        {
            throw new CommandException(
                "NotFounder",
                $"this home joined swarm {swarm.Id.Short} by invite {swarm.ReadMembership().Id}; only the home that founded it, which has its root key, issues and ends invites");
        }
    }

    private SwarmRoot OpenRoot()
    {
        RequireFounder();
        return swarm.OpenRoot();
    }
}
