using Swarm.Models;

namespace Swarm.Hub;

/// <summary>Which hub, as whom, and where its files are kept.</summary>
public sealed record HubOptions
{
    /// <summary>The public hub.</summary>
    public const string DefaultEndpoint = "https://huggingface.co";

    /// <summary>The hub's address: https, or http on this machine.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>The cache's folder, shared with other programs: <c>models--org--name</c> lie in it.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>An access token; null: as anybody.</summary>
    public string? Token { get; init; }

    /// <summary>True: no connection is ever opened.</summary>
    public bool Offline { get; init; }

    /// <summary>Waits and timeouts are measured by it.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Values in [0, 1) that spread retries.</summary>
    public required Func<double> Random { get; init; }

    /// <summary>Requests at once.</summary>
    public int Connections { get; init; } = 4;

    /// <summary>Bytes asked for by one request at most.</summary>
    public long PieceBytes { get; init; } = 32L << 20;

    /// <summary>Bytes asked for at once of a header whose length is not known: as long as it takes that many times more.</summary>
    public long HeadBytes { get; init; } = 256 << 10;

    /// <summary>Tries of one request that brings nothing, beside the first.</summary>
    public int Retries { get; init; } = 5;

    /// <summary>Wait before the first retry; it doubles.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>A hub that asks for a longer wait than this is not waited for.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long an answer, or the next bytes of one, may keep us waiting.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes that the disk of a folder has room for; null: not known.</summary>
    internal Func<string, long?> FreeBytes { get; init; } = folder =>
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return null;
        }
    };

    /// <summary>
    /// Reads <c>HF_ENDPOINT</c>, <c>HF_HUB_CACHE</c>, <c>HF_HOME</c>, <c>XDG_CACHE_HOME</c>, <c>HF_TOKEN</c>, <c>HF_TOKEN_PATH</c> and <c>HF_HUB_OFFLINE</c> as other programs do.
    /// </summary>
    /// <exception cref="ModelException">InvalidArgument: a variable that cannot be meant, named.</exception>
    public static HubOptions FromEnvironment(Func<string, string?> environment, TimeProvider time, Func<double> random)
    {
        string Home() => environment("HOME") is { Length: > 0 } home ? home : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string? Folder(string name) => environment(name) is { Length: > 0 } path ? Path.GetFullPath(path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? Home() + path[1..] : path) : null;
        string own = Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(Home(), ".cache"), "huggingface");
        string tokenPath = Folder("HF_TOKEN_PATH") ?? Path.Combine(own, "token");
        string? token = environment("HF_TOKEN") is { Length: > 0 } given ? given : File.Exists(tokenPath) ? File.ReadAllText(tokenPath) : null;
        token = token?.Trim() is { Length: > 0 } trimmed ? trimmed : null;
        if (token is not null && token.Any(letter => letter is <= ' ' or > '~'))
            throw new ModelException(ModelError.InvalidArgument, "HF_TOKEN has a blank or a letter that no token has");
        return new HubOptions
        {
            Endpoint = ReadEndpoint(environment("HF_ENDPOINT")),
            CacheFolder = Folder("HF_HUB_CACHE") ?? Folder("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(own, "hub"),
            Token = token,
            Offline = environment("HF_HUB_OFFLINE")?.ToLowerInvariant() is "1" or "true" or "yes" or "on",
            Time = time,
            Random = random,
        };
    }

    /// <summary>True where a request may go to the address: encrypted, or staying on this machine.</summary>
    internal static bool IsAllowed(Uri address) => address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);

    private static Uri ReadEndpoint(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return new Uri(DefaultEndpoint);
        return Uri.TryCreate(text.Trim().TrimEnd('/') + "/", UriKind.Absolute, out Uri? endpoint) && IsAllowed(endpoint) && endpoint.UserInfo.Length == 0
            ? endpoint
            : throw new ModelException(ModelError.InvalidArgument, $"HF_ENDPOINT is '{text}', expected an https address, or an http address of this machine");
    }
}
