using Swarm.Kernels;
using Swarm.Kernels.Cpu;
using Swarm.Models;
using Swarm.Models.Blocks;
using Swarm.Protocol;
using Swarm.Protocol.Directory;
using Swarm.Protocol.Membership;
using Swarm.Protocol.Transport;

namespace Swarm.Client;

/// <summary>
/// A model whose blocks are in a swarm. Prompts become hidden states here and only those travel; that is no secrecy: who computes the first blocks can
/// recover the prompt from them. With <see cref="EndsMode.Swarm"/> token ids travel, and the last node chooses.
/// </summary>
public sealed class SwarmClient : LanguageModel
{
    private readonly KernelSet _kernels;
    private readonly RemoteBlockChain _chain;

    private SwarmClient(
        ModelSource source, KernelSet kernels, ModelEnds? ends, RemoteBlockChain chain, ModelIdentity identity, SwarmClientOptions options)
        : base(source, ends, chain, options.Context, options.Time, new Lock())
    {
        _kernels = kernels;
        _chain = chain;
        Identity = identity;
    }

    /// <summary>The model that the swarm serves and this client generates with.</summary>
    public ModelIdentity Identity { get; }

    /// <summary>Nodes of the model that are seen now.</summary>
    public IReadOnlyList<NodeEntry> Nodes => _chain.Directory.Snapshot.Nodes;

    /// <summary>Connects to a swarm: learns its nodes, and checks that it serves the model at hand.</summary>
    /// <exception cref="SwarmException">InvalidInvite, NotAMember, PeerUnreachable, VersionMismatch, NoRoute: no model is served, ModelMismatch: others are.</exception>
    /// <exception cref="ModelException">What is wrong with the model's files.</exception>
    public static async Task<SwarmClient> ConnectAsync(SwarmClientOptions options, CancellationToken cancellationToken = default)
    {
        ModelSource source = options.Source ?? ModelSource.Open(options.Model ?? ModelSource.DefaultName, options.ModelsFolders);
        KernelSet kernels = options.Kernels ?? new CpuKernels(options.Ends == EndsMode.Local ? Environment.ProcessorCount : 1);
        SwarmMember? member = null;
        try
        {
            SwarmInvite invite = SwarmInvite.Parse(options.Invite);
            member = new SwarmMember(new MemberOptions
            {
                Key = options.Key ?? PeerKey.Create(),
                OwnsKey = options.OwnsKey || options.Key is null,
                Invite = invite,
                Transport = options.Transport ?? (credentials => new GrpcTransport(new TransportOptions { Credentials = credentials, TimeProvider = options.Time })),
                IsClient = true,
                Patience = options.Patience,
                Time = options.Time,
                Random = options.Random,
            });
            return await ConnectAsync(options, invite, source, kernels, member, cancellationToken);
        }
        catch
        {
            if (member is not null)
                await member.DisposeAsync();
            kernels.Dispose();
            source.Dispose();
            throw;
        }
    }

    /// <summary>Loads a whole model, all of whose tensors are on this machine, into this process; no swarm.</summary>
    /// <exception cref="ModelException">What is wrong with its files.</exception>
    public static LocalModel OpenLocal(LocalModelOptions options, CancellationToken cancellationToken = default) =>
        LocalModel.Load(options, cancellationToken);

    /// <summary>The same, bringing tensors to this machine first where they are not here.</summary>
    /// <exception cref="ModelException">What is wrong with its files, or with fetching them.</exception>
    public static Task<LocalModel> OpenLocalAsync(LocalModelOptions options, CancellationToken cancellationToken = default) =>
        LocalModel.LoadAsync(options, cancellationToken);

    /// <summary>Asks the directory anew.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken = default) => _chain.Directory.RefreshAsync(cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _kernels.Dispose();
    }

    private static async Task<SwarmClient> ConnectAsync(
        SwarmClientOptions options, SwarmInvite invite, ModelSource source, KernelSet kernels, SwarmMember member, CancellationToken cancellationToken)
    {
        IEnumerable<PeerAddress> bootstrap = options.Dial is { } dial ? [dial] : invite.Addresses;
        await member.JoinAsync([.. bootstrap.Select(address => (PeerEndpoint)address)], mayBeAlone: false, cancellationToken);
        var finding = new ModelFinding(source, kernels, member, options.Ends, options.Fetched);
        FoundModel found = await finding.FindAsync(invite, cancellationToken);
        var chain = new RemoteBlockChain(options, member, source.Config, found.Directory);
        return new SwarmClient(source, kernels, found.Ends, chain, found.Identity, options);
    }
}
