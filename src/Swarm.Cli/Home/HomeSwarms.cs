using Swarm.Cli.Framework;
using Swarm.Protocol;
using Swarm.Protocol.Membership;

namespace Swarm.Cli.Home;

/// <summary>The swarms that a home knows, and which of them its commands mean.</summary>
internal sealed class HomeSwarms(HomeFolder home)
{
    /// <summary>What a founder's own nodes are members by is labelled so.</summary>
    public const string FounderLabel = "founder";

    private const int MaxCurrentBytes = 256;
    private static readonly TimeSpan LockPatience = TimeSpan.FromSeconds(60);

    private string CurrentPath => Path.Combine(home.Path, "current");

    /// <summary>The swarm that commands mean; null in a home that knows none.</summary>
    /// <exception cref="CommandException">CorruptHome names the file.</exception>
    public SwarmFolder? Current()
    {
        if (PrivateFiles.TryReadText(CurrentPath, MaxCurrentBytes) is not { } text)
            return null;
        if (!SwarmId.TryParse(text, out SwarmId id))
            throw PrivateFiles.Corrupt(CurrentPath, "not the id of a swarm (64 hexadecimal digits)");
        return Find(id) ?? throw PrivateFiles.Corrupt(CurrentPath, $"names swarm {id.Short}, of which {PathOf(id)} knows nothing");
    }

    /// <summary>A swarm that the home knows.</summary>
    public SwarmFolder? Find(SwarmId id) => Directory.Exists(PathOf(id)) ? new SwarmFolder(PathOf(id), id) : null;

    /// <summary>Founds a swarm, which becomes the current one: a root key, a grant for this home's own nodes, and an invite for others.</summary>
    public SwarmFolder Found(bool isPublic, DateTimeOffset? notAfter)
    {
        using SwarmRoot root = SwarmRoot.Found();
        SwarmFolder swarm = new(PathOf(root.Swarm), root.Swarm);
        SwarmInvite shared = root.Issue([], new GrantTerms { Public = isPublic, NotAfter = notAfter });
        swarm.WriteRoot(root);
        swarm.WriteMembership(root.Issue([], new GrantTerms { Public = isPublic, Label = FounderLabel }));
        swarm.WriteInvite(shared);
        swarm.AddIssued(shared);
        MakeCurrent(swarm);
        return swarm;
    }

    /// <summary>Remembers a swarm that a node of this home has joined, and makes it the current one. What the home is a member by already stays.</summary>
    public SwarmFolder Remember(SwarmInvite invite)
    {
        SwarmFolder swarm = new(PathOf(invite.Swarm), invite.Swarm);
        if (!swarm.IsFounder)
        {
            swarm.WriteMembership(invite);
            swarm.WriteInvite(invite);
        }

        MakeCurrent(swarm);
        return swarm;
    }

    /// <summary>Keeps other processes of this home from founding or choosing a swarm at the same time.</summary>
    /// <exception cref="CommandException">HomeBusy.</exception>
    public async Task<FileLock> LockAsync(TimeProvider time, CancellationToken cancellationToken) =>
        await FileLock.TakeAsync(Path.Combine(home.Path, "lock"), LockPatience, time, cancellationToken)
        ?? throw new CommandException("HomeBusy", $"{home.Path}: another process has been starting a swarm here for {LockPatience.TotalSeconds:0} s");

    private void MakeCurrent(SwarmFolder swarm) => PrivateFiles.WriteText(CurrentPath, swarm.Id.ToString());

    private string PathOf(SwarmId id) => Path.Combine(home.Path, "swarms", id.ToString());
}
