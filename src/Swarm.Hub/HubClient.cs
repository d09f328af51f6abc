using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Swarm.Models;

namespace Swarm.Hub;

/// <summary>
/// The hub's protocol: descriptions of repositories, and ranges of files. Redirects are followed here, because a token goes to the hub alone, never to the host that holds
/// the bytes. Contents are asked for at a commit, so that they cannot change under a transfer.
/// </summary>
internal sealed class HubClient : IDisposable
{
    private const int MaxRedirects = 10;
    private readonly HubOptions _options;
    private readonly HttpClient _http;
    private readonly Dictionary<string, Uri> _places = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private long _bytesReceived;
    private long _requests;

    public HubClient(HubOptions options)
    {
        _options = options;

        // Nothing may change the bytes on the way: no decompression, no redirects of the handler's own.
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            UseCookies = false,

            // What is on this machine is behind no proxy.
            UseProxy = !options.Endpoint.IsLoopback,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("swarm", "0.1"));
    }

    /// <summary>Bytes of all bodies so far.</summary>
    public long BytesReceived => Interlocked.Read(ref _bytesReceived);

    /// <summary>Requests so far, redirects included.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Describes a repository: its commit and its files with sizes and checksums.</summary>
    /// <exception cref="ModelException">ModelNotFound, Gated, Unauthorized, HubUnreachable.</exception>
    public async Task<RepositoryListing> ListAsync(HubReference reference, CancellationToken cancellationToken)
    {
        RefuseOffline(reference.Repository);
        var address = new Uri(_options.Endpoint, $"api/models/{reference.Repository}/revision/{Uri.EscapeDataString(reference.Revision)}?blobs=true");

        // A hub that is not there at all is told sooner than one that fails on the way.
        var retrying = new Retrying(_options, Math.Min(2, _options.Retries));
        try
        {
            return await retrying.RunAsync(token => ListOnceAsync(reference, address, token), cancellationToken);
        }
        catch (ModelException exception) when (exception.Error == ModelError.ModelNotFound)
        {
            string[] nearest = await NearestAsync(reference.Repository, cancellationToken);
            throw nearest.Length == 0 ? exception : new ModelException(exception.Error, $"{exception.Message}; the nearest names are {string.Join(", ", nearest)}", exception);
        }
    }

    /// <summary>What the hub says of one file: size and checksum. For hubs whose lists lack them.</summary>
    public async Task<RepositoryFile> DescribeAsync(string repository, string commit, string path, CancellationToken cancellationToken)
    {
        RefuseOffline(repository);
        return await new Retrying(_options, _options.Retries).RunAsync(
            async token =>
            {
                (HttpResponseMessage response, string? tag, long? size) = await SendAsync(HttpMethod.Head, Resolve(repository, commit, path), null, repository, followOut: false, token);
                using (response)
                {
                    size ??= response.Content.Headers.ContentLength;
                    return tag is not null && size is { } bytes
                        ? new RepositoryFile(path, bytes, tag)
                        : throw new ModelException(ModelError.HubUnreachable, $"{response.RequestMessage?.RequestUri}: neither list nor headers tell {path}'s size and checksum");
                }
            },
            cancellationToken);
    }

    /// <summary>Asks for a range of a file and hands out its bytes as they come, once.</summary>
    /// <param name="repository"><c>org/name</c>.</param>
    /// <param name="commit">Where the file was found.</param>
    /// <param name="file">What is expected of it.</param>
    /// <param name="range">Bytes of it, at least one.</param>
    /// <param name="take">Told the offset and the bytes there; they may begin before the range and end behind it, where the hub knows no ranges.</param>
    /// <param name="cancellationToken">Ends the transfer.</param>
    /// <exception cref="TransientException">It broke; what came has been handed out.</exception>
    /// <exception cref="ModelException">ChecksumMismatch: the hub has other contents now. Others as the hub's status says.</exception>
    public async Task FetchAsync(string repository, string commit, RepositoryFile file, ByteRange range, Action<long, ReadOnlySpan<byte>> take, CancellationToken cancellationToken)
    {
        RefuseOffline($"{repository}: {file.Path}");
        using CancellationTokenSource idle = new(_options.Patience, _options.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
        try
        {
            using HttpResponseMessage response = await OpenAsync(repository, commit, file, range, both.Token);
            long at = Check(response, file, range);
            long end = response.StatusCode == HttpStatusCode.PartialContent ? range.End : file.Size;
            using Stream body = await response.Content.ReadAsStreamAsync(both.Token);
            byte[] buffer = new byte[1 << 17];
            while (true)
            {
                idle.CancelAfter(_options.Patience);
                int count = await body.ReadAsync(buffer, both.Token);
                if (count == 0)
                    break;
                Interlocked.Add(ref _bytesReceived, count);
                if (count > end - at)
                    throw new ModelException(ModelError.ChecksumMismatch, $"{file.Path}: the hub sends more than the bytes {range} that were asked for");
                take(at, buffer.AsSpan(0, count));
                at += count;
            }

            if (at < end)
                throw new TransientException($"{file.Path}: the transfer ended at byte {at}, expected {end}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientException($"{file.Path}: nothing came from {_options.Endpoint.Host} for {_options.Patience.TotalSeconds:0} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or HttpIOException)
        {
            throw Broken(exception);
        }
        catch (IOException exception) when (exception.InnerException is System.Net.Sockets.SocketException)
        {
            throw Broken(exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static long Check(HttpResponseMessage response, RepositoryFile file, ByteRange range)
    {
        ContentRangeHeaderValue? told = response.Content.Headers.ContentRange;
        if (response.StatusCode == HttpStatusCode.PartialContent)
        {
            if (told?.From != range.Start || told.To != range.End - 1 || (told.Length is { } length && length != file.Size))
                throw new ModelException(ModelError.ChecksumMismatch, $"{file.Path}: the hub answers range '{told}', expected bytes {range.Start}-{range.End - 1}/{file.Size}: it has other contents than it announced");
            return range.Start;
        }

        if (response.Content.Headers.ContentLength is { } whole && whole != file.Size)
            throw new ModelException(ModelError.ChecksumMismatch, $"{file.Path}: the hub has {whole} bytes now, it announced {file.Size}");
        return 0;
    }

    private async Task<RepositoryListing> ListOnceAsync(HubReference reference, Uri address, CancellationToken cancellationToken)
    {
        byte[] body = await GetSmallAsync(address, reference.Repository, RepositoryListing.MaxBytes, cancellationToken);
        return RepositoryListing.Parse(reference.Repository, body, address.ToString());
    }

    private async Task<byte[]> GetSmallAsync(Uri address, string repository, long limit, CancellationToken cancellationToken)
    {
        using CancellationTokenSource idle = new(_options.Patience, _options.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
        try
        {
            (HttpResponseMessage response, _, _) = await SendAsync(HttpMethod.Get, address, null, repository, followOut: true, both.Token);
            using (response)
            {
                using Stream body = await response.Content.ReadAsStreamAsync(both.Token);
                using var whole = new MemoryStream();
                byte[] buffer = new byte[1 << 16];
                for (int count; (count = await body.ReadAsync(buffer, both.Token)) > 0;)
                {
                    idle.CancelAfter(_options.Patience);
                    Interlocked.Add(ref _bytesReceived, count);
                    whole.Write(buffer, 0, count);
                    if (whole.Length > limit)
                        throw new ModelException(ModelError.HubUnreachable, $"{address}: the answer has more than {limit} bytes");
                }

                return whole.ToArray();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientException($"no answer from {_options.Endpoint.Host} for {_options.Patience.TotalSeconds:0} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or HttpIOException)
        {
            throw Broken(exception);
        }
    }

    private async Task<HttpResponseMessage> OpenAsync(string repository, string commit, RepositoryFile file, ByteRange range, CancellationToken cancellationToken)
    {
        string key = commit + "/" + file.Path;
        Uri? place;
        lock (_gate)
            _places.TryGetValue(key, out place);
        if (place is not null)
        {
            try
            {
                return (await SendAsync(HttpMethod.Get, place, range, repository, followOut: true, cancellationToken)).Response;
            }
            catch (TransientException)
            {
                // The place that the hub had named is perhaps no longer good: such addresses are signed for a time. The next try asks the hub.
                lock (_gate)
                    _places.Remove(key);
                throw;
            }
        }

        Uri hub = Resolve(repository, commit, file.Path);
        (HttpResponseMessage response, string? tag, _) = await SendAsync(HttpMethod.Get, hub, range, repository, followOut: true, cancellationToken);
        if (tag is not null && tag != file.ETag)
        {
            response.Dispose();
            throw new ModelException(ModelError.ChecksumMismatch, $"{file.Path}: the hub now names its contents {tag}, it announced {file.ETag}");
        }

        if (response.RequestMessage?.RequestUri is { } final && !SameHost(final, hub))
        {
            lock (_gate)
                _places[key] = final;
        }

        return response;
    }

    // Follows redirects; headers of the hub itself tell tag and size.
    private async Task<(HttpResponseMessage Response, string? Tag, long? Size)> SendAsync(
        HttpMethod method, Uri address, ByteRange? range, string repository, bool followOut, CancellationToken cancellationToken)
    {
        string? tag = null;
        long? size = null;
        for (int redirects = 0; ; redirects++)
        {
            bool toHub = SameHost(address, _options.Endpoint);
            using var request = new HttpRequestMessage(method, address);
            request.Headers.AcceptEncoding.ParseAdd("identity");
            if (range is { } asked)
                request.Headers.Range = new RangeHeaderValue(asked.Start, asked.End - 1);
            if (toHub && _options.Token is { } token)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            Interlocked.Increment(ref _requests);
            HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            try
            {
                bool isRedirect = (int)response.StatusCode is 301 or 302 or 303 or 307 or 308;
                if (toHub)
                {
                    tag = TagOf(response, "X-Linked-Etag") ?? tag ?? (isRedirect ? null : TagOf(response, "ETag"));
                    size = long.TryParse(Header(response, "X-Linked-Size"), out long linked) ? linked : size;
                }

                if (!isRedirect)
                {
                    if (response.IsSuccessStatusCode)
                        return (response, tag, size);
                    throw await FailureAsync(response, repository, toHub, cancellationToken);
                }

                Uri next = response.Headers.Location is { } location
                    ? new Uri(address, location)
                    : throw new ModelException(ModelError.HubUnreachable, $"{address}: {(int)response.StatusCode} without a Location");
                if (!HubOptions.IsAllowed(next))
                    throw new ModelException(ModelError.HubUnreachable, $"{address} redirects to {next.GetLeftPart(UriPartial.Authority)}, expected https");
                if (redirects == MaxRedirects)
                    throw new ModelException(ModelError.HubUnreachable, $"{address}: more than {MaxRedirects} redirects");
                if (!followOut && !SameHost(next, _options.Endpoint))
                    return (response, tag, size);
                address = next;
            }
            catch
            {
                response.Dispose();
                throw;
            }

            response.Dispose();
        }
    }

    private async Task<Exception> FailureAsync(HttpResponseMessage response, string repository, bool fromHub, CancellationToken cancellationToken)
    {
        int status = (int)response.StatusCode;
        string host = response.RequestMessage?.RequestUri?.Host ?? _options.Endpoint.Host;
        string code = Header(response, "X-Error-Code") ?? "";
        string said = Header(response, "X-Error-Message") is { Length: > 0 } message ? $": {(message.Length > 200 ? message[..200] + "…" : message)}" : "";
        string page = new Uri(_options.Endpoint, repository).ToString();
        if (status == 429 || status == 408 || status >= 500)
        {
            // A short answer is read, so that the connection can be used again; what it says is not needed.
            await response.Content.LoadIntoBufferAsync(1 << 16, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return new TransientException(status == 429 ? $"{host} asks for fewer requests (429)" : $"{host} answers {status}{said}", After(response));
        }

        if (!fromHub && status is (401 or 403 or 404 or 410))
            return new TransientException($"{host} no longer hands out a file of {repository} ({status})");
        if (code == "GatedRepo" || (fromHub && status == 403 && code != "RepoNotFound"))
        {
            string token = _options.Token is null ? "and set HF_TOKEN to an access token of yours" : "with the account that HF_TOKEN belongs to";
            return new ModelException(ModelError.Gated, $"{repository} is open to those who accept its terms: accept them at {page}, {token}{said}");
        }

        if (code == "RevisionNotFound")
            return new ModelException(ModelError.ModelNotFound, $"{repository} has no such revision{said}");
        if (code == "EntryNotFound")
            return new ModelException(ModelError.ModelNotFound, $"{repository} has no such file{said}");
        if (code == "RepoNotFound" || (fromHub && status is 404 or 410))
        {
            string how = _options.Token is null ? " (or it is private: set HF_TOKEN)" : " that HF_TOKEN lets see";
            return new ModelException(ModelError.ModelNotFound, $"{_options.Endpoint.Host} has no repository {repository}{how}");
        }

        return status switch
        {
            401 or 403 => new ModelException(ModelError.Unauthorized, _options.Token is null ? $"{repository}: {host} wants an access token ({status}): set HF_TOKEN" : $"{repository}: {host} does not take the access token of HF_TOKEN ({status})"),
            416 => new ModelException(ModelError.ChecksumMismatch, $"{repository}: {host} has no such range (416): the file is shorter than it announced"),
            _ => new ModelException(ModelError.HubUnreachable, $"{repository}: {host} answers {status}{said}"),
        };
    }

    private TimeSpan? After(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date > _options.Time.GetUtcNow() ? date - _options.Time.GetUtcNow() : TimeSpan.Zero,
        _ => null,
    };

    // Names that the hub finds for the last part, the nearest first; nothing where it does not answer.
    private async Task<string[]> NearestAsync(string repository, CancellationToken cancellationToken)
    {
        try
        {
            string name = repository[(repository.IndexOf('/', StringComparison.Ordinal) + 1)..];
            byte[] body = await GetSmallAsync(new Uri(_options.Endpoint, $"api/models?limit=20&search={Uri.EscapeDataString(name)}"), repository, 1 << 22, cancellationToken);
            using JsonDocument found = JsonDocument.Parse(body);
            return [.. found.RootElement.EnumerateArray().Select(model => model.GetProperty("id").GetString() ?? "")
                .Where(id => HubReference.IsName(id)).OrderBy(id => Nearness.Distance(repository, id)).Take(3)];
        }
        catch (Exception exception) when (exception is ModelException or TransientException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return [];
        }
    }

    private Uri Resolve(string repository, string commit, string path) =>
        new(_options.Endpoint, $"{repository}/resolve/{commit}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    private void RefuseOffline(string what)
    {
        if (_options.Offline)
            throw new ModelException(ModelError.HubUnreachable, $"{what} is not whole in {_options.CacheFolder}, and HF_HUB_OFFLINE lets nothing be asked of the hub");
    }

    private Exception Broken(Exception exception)
    {
        string message = $"{_options.Endpoint.Host}: {(exception.InnerException ?? exception).Message}";
        return exception is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }
            ? new ModelException(ModelError.HubUnreachable, message, exception)
            : new TransientException(message, inner: exception);
    }

    private static bool SameHost(Uri a, Uri b) => a.Scheme == b.Scheme && a.Port == b.Port && string.Equals(a.Host, b.Host, StringComparison.OrdinalIgnoreCase);

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;

    private static string? TagOf(HttpResponseMessage response, string name)
    {
        string? tag = Header(response, name)?.Trim();
        if (tag is null)
            return null;
        tag = (tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag).Trim('"');
        return RepositoryFile.IsHex(tag, 40, 64) ? tag : null;
    }
}
