using Swarm.Cli.Framework;
using Swarm.Client.Observing;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Cli.Watching;

/// <summary>An operator's footing in a swarm: a member that only looks, under a key of its own, and what it observes by.</summary>
internal sealed class Observation : IAsyncDisposable
{
    /// <summary>Silence after which a node counts as unreachable.</summary>
    private static readonly TimeSpan NodePatience = TimeSpan.FromSeconds(3);

    private readonly PeerKey _key;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _keeping;

    private Observation(PeerKey key, SwarmMember member, TimeProvider time)
    {
        _key = key;
        Member = member;
        Observer = new SwarmObserver(member.Swarm, member.Dht, time, NodePatience);
        _keeping = member.RunAsync(_closing.Token);
    }

    public SwarmMember Member { get; }

    public SwarmObserver Observer { get; }

    /// <summary>Joins as one that only looks.</summary>
    /// <exception cref="CommandException">PeerUnreachable with exit status 3: nobody answers.</exception>
    /// <exception cref="SwarmException">NotAMember, VersionMismatch.</exception>
    public static async Task<Observation> OpenAsync(CommandContext context, SwarmInvite invite, RevocationList? revocations)
    {
        PeerKey key = PeerKey.Create();
        SwarmMember? member = null;
        try
        {
            member = new SwarmMember(new MemberOptions
            {
                Key = key,
                Invite = invite,
                IsClient = true,
                Transport = credentials => Connections.Open(credentials, revocations),
                Time = context.Time,
                Random = SystemRandomSource.Instance,
            });
            IEnumerable<PeerAddress> addresses = context.Get(CommonSettings.Dial) is { } dial ? [dial] : invite.Addresses;
            await member.JoinAsync([.. addresses.Select(address => new PeerEndpoint(default, address))], mayBeAlone: false, context.Interrupts.Polite);
            return new Observation(key, member, context.Time);
        }
        catch (Exception exception)
        {
            if (member is not null)
                await member.DisposeAsync();
            key.Dispose();
            if (exception is SwarmException { Fault: FaultKind.PeerUnreachable })
                throw new CommandException(nameof(FaultKind.PeerUnreachable), $"nobody of swarm {invite.Swarm.Short} answers: {exception.Message}", ExitCode.Unavailable, exception);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        try
        {
            await _keeping;
        }
        catch (OperationCanceledException)
        {
            // It ends by being cancelled.
        }

        await Member.DisposeAsync();
        _closing.Dispose();
        _key.Dispose();
    }
}
