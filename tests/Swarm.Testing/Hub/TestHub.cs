using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Swarm.Testing.Hub;

/// <summary>
/// A hub on this machine that behaves as the public one does: describes repositories, redirects to another host for large files, answers ranges, names contents by SHA-256 or git's SHA-1,
/// keeps gated repositories closed; and misbehaves when a test asks for it. A second port stands for the other host.
/// </summary>
public sealed class TestHub : IAsyncDisposable
{
    /// <summary>The token that gated repositories open to.</summary>
    public const string Token = "hf_test_token";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Repository> _repositories = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<HubRequest> _requests = new();
    private readonly Lock _gate = new();
    private readonly List<(HubFault Fault, int Left)> _faults = [];
    private readonly List<(int Status, TimeSpan? After, int Left)> _statuses = [];
    private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _over = new();
    private long _bytesSent;
    private int _hubPort;
    private int _otherPort;

    private TestHub(WebApplication app) => _app = app;

    /// <summary>For HF_ENDPOINT.</summary>
    public Uri Endpoint => new($"http://127.0.0.1:{_hubPort}/");

    /// <summary>Every request so far.</summary>
    public IReadOnlyList<HubRequest> Requests => [.. _requests];

    /// <summary>Bytes of files sent so far.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>Done when an answer stalls.</summary>
    public Task Stalled => _stalled.Task;

    /// <summary>Bytes from which on a file lies at the other host.</summary>
    public long LargeFrom { get; set; } = 1000;

    /// <summary>True: lists tell names alone.</summary>
    public bool ListsNamesOnly { get; set; }

    /// <summary>Starts one on free ports.</summary>
    public static async Task<TestHub> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0", "http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var hub = new TestHub(app);
        app.Run(hub.AnswerAsync);
        await app.StartAsync();
        int[] ports = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address).Port)];
        (hub._hubPort, hub._otherPort) = (ports[0], ports[1]);
        return hub;
    }

    /// <summary>Adds a repository, or gives it another commit.</summary>
    /// <returns>The commit.</returns>
    public string Add(string name, IReadOnlyDictionary<string, byte[]> files, bool gated = false)
    {
        string commit = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(name + string.Join('\n', files.Select(file => file.Key + Convert.ToHexStringLower(SHA256.HashData(file.Value)))))));
        Repository repository = _repositories.GetOrAdd(name, _ => new Repository());
        repository.Gated = gated;
        repository.Commits[commit] = files;
        repository.Main = commit;
        return commit;
    }

    /// <summary>The next so many answers with a file's bytes go wrong.</summary>
    public void Misbehave(HubFault fault, int times = 1)
    {
        lock (_gate)
            _faults.Add((fault, times));
    }

    /// <summary>The next so many requests get this status.</summary>
    public void Refuse(int status, int times = 1, TimeSpan? after = null)
    {
        lock (_gate)
            _statuses.Add((status, after, times));
    }

    /// <summary>What the hub names contents by.</summary>
    public string TagOf(byte[] bytes) => bytes.Length >= LargeFrom
        ? Convert.ToHexStringLower(SHA256.HashData(bytes))
        : Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _app.StopAsync(new CancellationToken(true));
        await _app.DisposeAsync();
        _over.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        bool atHub = context.Connection.LocalPort == _hubPort;
        string path = context.Request.Path.Value ?? "";
        string? authorization = context.Request.Headers.Authorization.FirstOrDefault();
        _requests.Enqueue(new HubRequest(context.Request.Method, path + context.Request.QueryString, atHub, authorization, context.Request.Headers.Range.FirstOrDefault()));
        if (TakeStatus() is { } refused)
        {
            if (refused.After is { } after)
                context.Response.Headers.RetryAfter = after.TotalSeconds.ToString("0", CultureInfo.InvariantCulture);
            context.Response.StatusCode = refused.Status;
            return;
        }

        string[] parts = path.Trim('/').Split('/');
        if (!atHub)
            await AnswerOtherHostAsync(context, parts);
        else if (parts is ["api", "models"])
            await WriteJsonAsync(context, json => WriteSearch(json, context.Request.Query["search"].ToString()));
        else if (parts is ["api", "models", _, _, "revision", _])
            await DescribeAsync(context, $"{parts[2]}/{parts[3]}", parts[5], authorization);
        else if (parts.Length >= 5 && parts[2] == "resolve")
            await ResolveAsync(context, $"{parts[0]}/{parts[1]}", parts[3], string.Join('/', parts[4..]), authorization);
        else
            context.Response.StatusCode = 404;
    }

    private void WriteSearch(Utf8JsonWriter json, string word)
    {
        json.WriteStartArray();
        foreach (string name in _repositories.Keys.Where(name => name.Contains(word[..Math.Min(3, word.Length)], StringComparison.OrdinalIgnoreCase)))
        {
            json.WriteStartObject();
            json.WriteString("id", name);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private Task DescribeAsync(HttpContext context, string name, string revision, string? authorization)
    {
        if (!TryFind(context, name, revision, authorization, describing: true, out string commit, out IReadOnlyDictionary<string, byte[]> files))
            return Task.CompletedTask;
        return WriteJsonAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("id", name);
            json.WriteString("sha", commit);
            json.WriteBoolean("gated", _repositories[name].Gated);
            json.WriteStartArray("siblings");
            foreach ((string path, byte[] bytes) in files)
            {
                json.WriteStartObject();
                json.WriteString("rfilename", path);
                if (!ListsNamesOnly && context.Request.Query.ContainsKey("blobs"))
                {
                    json.WriteNumber("size", bytes.Length);
                    json.WriteString("blobId", Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes])));
                    if (bytes.Length >= LargeFrom)
                    {
                        json.WriteStartObject("lfs");
                        json.WriteString("sha256", TagOf(bytes));
                        json.WriteNumber("size", bytes.Length);
                        json.WriteNumber("pointerSize", 134);
                        json.WriteEndObject();
                    }
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private async Task ResolveAsync(HttpContext context, string name, string revision, string path, string? authorization)
    {
        if (!TryFind(context, name, revision, authorization, describing: false, out string commit, out IReadOnlyDictionary<string, byte[]> files))
            return;
        if (!files.TryGetValue(path, out byte[]? bytes))
        {
            Refuse(context, 404, "EntryNotFound");
            return;
        }

        context.Response.Headers["X-Repo-Commit"] = commit;
        string tag = TakeFault(HubFault.Changed) ? new string('a', TagOf(bytes).Length) : TagOf(bytes);
        if (bytes.Length < LargeFrom)
        {
            context.Response.Headers.ETag = $"\"{tag}\"";
            await SendAsync(context, bytes);
            return;
        }

        context.Response.Headers["X-Linked-Etag"] = $"\"{tag}\"";
        context.Response.Headers["X-Linked-Size"] = bytes.Length.ToString(CultureInfo.InvariantCulture);
        context.Response.StatusCode = 302;
        context.Response.Headers.Location = $"http://127.0.0.1:{_otherPort}/{name}/{commit}/{path}?signed=1";
    }

    private async Task AnswerOtherHostAsync(HttpContext context, string[] parts)
    {
        if (TakeFault(HubFault.Expired))
        {
            context.Response.StatusCode = 403;
            return;
        }

        string name = $"{parts[0]}/{parts[1]}";
        if (parts.Length > 3 && _repositories.TryGetValue(name, out Repository? repository) && repository.Commits.TryGetValue(parts[2], out IReadOnlyDictionary<string, byte[]>? files)
            && files.TryGetValue(string.Join('/', parts[3..]), out byte[]? bytes))
        {
            context.Response.Headers.ETag = "\"of-the-other-host\"";
            await SendAsync(context, bytes);
            return;
        }

        context.Response.StatusCode = 404;
    }

    private async Task SendAsync(HttpContext context, byte[] bytes)
    {
        (int from, int to) = (0, bytes.Length);
        string range = context.Request.Headers.Range.ToString();
        if (range.StartsWith("bytes=", StringComparison.Ordinal) && context.Request.Method != "HEAD" && !TakeFault(HubFault.NoRanges))
        {
            string[] ends = range["bytes=".Length..].Split('-');
            from = int.Parse(ends[0], CultureInfo.InvariantCulture);
            to = Math.Min(bytes.Length, ends[1].Length == 0 ? bytes.Length : int.Parse(ends[1], CultureInfo.InvariantCulture) + 1);
            if (from >= bytes.Length || TakeFault(HubFault.RangeNotSatisfiable))
            {
                context.Response.StatusCode = 416;
                context.Response.Headers.ContentRange = $"bytes */{bytes.Length}";
                return;
            }

            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{to - 1}/{bytes.Length}";
        }

        if (context.Request.Method == "HEAD")
        {
            context.Response.ContentLength = bytes.Length;
            return;
        }

        ReadOnlyMemory<byte> body = bytes.AsMemory(from, to - from);
        if (TakeFault(HubFault.WrongByte))
        {
            byte[] wrong = body.ToArray();
            wrong[wrong.Length / 2] ^= 1;
            body = wrong;
        }

        // Without a length the answer is sent in chunks: then nothing but their number tells that there are too many or too few bytes.
        if (TakeFault(HubFault.TooLong))
            body = new byte[body.Length + 10];
        else if (TakeFault(HubFault.Short))
            body = body[..(body.Length / 2)];
        else
            context.Response.ContentLength = body.Length;
        if (TakeFault(HubFault.BreakAtOnce))
        {
            context.Abort();
            return;
        }

        if (TakeFault(HubFault.Stall))
        {
            await context.Response.StartAsync();
            _stalled.TrySetResult();
            using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _over.Token);
            await Task.Delay(Timeout.Infinite, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        if (TakeFault(HubFault.Break))
        {
            await WriteAsync(context, body[..(body.Length / 2)]);
            await context.Response.Body.FlushAsync();

            // What was sent must have arrived before the connection is reset.
            await Task.Delay(50, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            context.Abort();
            return;
        }

        await WriteAsync(context, body);
    }

    private async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        for (int done = 0; done < body.Length && !context.RequestAborted.IsCancellationRequested;)
        {
            int count = Math.Min(1 << 16, body.Length - done);
            Interlocked.Add(ref _bytesSent, count);
            await context.Response.Body.WriteAsync(body.Slice(done, count), CancellationToken.None);
            done += count;
        }
    }

    private bool TryFind(HttpContext context, string name, string revision, string? authorization, bool describing, out string commit, out IReadOnlyDictionary<string, byte[]> files)
    {
        (commit, files) = ("", new Dictionary<string, byte[]>());
        if (!_repositories.TryGetValue(name, out Repository? repository))
        {
            Refuse(context, authorization is null ? 401 : 404, "RepoNotFound");
            return false;
        }

        if (authorization is not null && authorization != $"Bearer {Token}")
        {
            context.Response.StatusCode = 401;
            return false;
        }

        // What a gated repository is made of is for all to see; its files are not.
        if (repository.Gated && !describing && authorization is null)
        {
            Refuse(context, 401, "GatedRepo");
            return false;
        }

        commit = revision == "main" ? repository.Main : revision;
        if (!repository.Commits.TryGetValue(commit, out IReadOnlyDictionary<string, byte[]>? found))
        {
            Refuse(context, 404, "RevisionNotFound");
            return false;
        }

        files = found;
        return true;
    }

    private static void Refuse(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Error-Code"] = code;
    }

    private static async Task WriteJsonAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            write(json);
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(stream.ToArray());
    }

    private bool TakeFault(HubFault fault)
    {
        lock (_gate)
        {
            int index = _faults.FindIndex(one => one.Fault == fault);
            if (index < 0)
                return false;
            (HubFault kind, int left) = _faults[index];
            if (left == 1)
                _faults.RemoveAt(index);
            else
                _faults[index] = (kind, left - 1);
            return true;
        }
    }

    private (int Status, TimeSpan? After)? TakeStatus()
    {
        lock (_gate)
        {
            if (_statuses.Count == 0)
                return null;
            (int status, TimeSpan? after, int left) = _statuses[0];
            if (left == 1)
                _statuses.RemoveAt(0);
            else
                _statuses[0] = (status, after, left - 1);
            return (status, after);
        }
    }

    private sealed class Repository
    {
        public ConcurrentDictionary<string, IReadOnlyDictionary<string, byte[]>> Commits { get; } = new(StringComparer.Ordinal);

        public string Main { get; set; } = "";

        public bool Gated { get; set; }
    }
}
