using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;

namespace Swarm.Protocol.Transport;

/// <summary>A call as an HTTP/2 request.</summary>
internal sealed class HttpClientWire : ClientWire
{
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 16 << 10, minimumReadSize: 4 << 10, leaveOpen: true);

    private readonly HttpMessageInvoker _invoker;
    private readonly EndpointName _endpoint;
    private readonly ConnectionClass _purpose;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<PipeWriter> _noWriter = new();
    private GrpcRequestContent? _content;
    private HttpResponseMessage? _response;
    private PipeReader? _reader;
    private bool _aborted;

    public HttpClientWire(HttpMessageInvoker invoker, EndpointName endpoint, ConnectionClass purpose)
    {
        _invoker = invoker;
        _endpoint = endpoint;
        _purpose = purpose;
    }

    public override Task<PipeWriter> RequestWriter => _content?.Writer ?? _noWriter.Task;

    public override PipeReader ResponseReader => _reader!;

    public override async Task<ResponseHead> OpenAsync(RequestHead head, PooledBuffer? onlyFrame, CancellationToken cancellationToken)
    {
        var content = new GrpcRequestContent(onlyFrame);
        _content = content;
        using PeerRequest request = Request(head, content);
        try
        {
            HttpResponseMessage response = await _invoker.SendAsync(request, cancellationToken);
            Keep(response, cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK)
                return new ResponseHead(Read(response.Headers), WireErrors.FromHttpStatus((int)response.StatusCode));
            string? type = response.Content.Headers.ContentType?.MediaType;
            if (type is null || !IsGrpc(type))
                return new ResponseHead(Read(response.Headers), new Status(StatusCode.Unknown, $"content-type: seen '{type}', expected {HeaderCodec.ContentType}"));
            if (First(response.Headers, HeaderCodec.Encoding) is { } encoding && encoding != HeaderCodec.Identity)
                return new ResponseHead(Read(response.Headers), new Status(StatusCode.Internal, $"grpc-encoding: seen '{encoding}', expected {HeaderCodec.Identity}, the only one offered"));
            Metadata headers = Read(response.Headers);
            if (First(response.Headers, HeaderCodec.Status) is { } code)
                return new ResponseHead(headers, HeaderCodec.ReadStatus(code, First(response.Headers, HeaderCodec.Message)));
            _reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken), ReaderOptions);
            return new ResponseHead(headers, null);
        }
        catch (HttpRequestException exception) when (request.Dialled?.Refusal is { } refusal)
        {
            content.Fail(exception);
            throw refusal;
        }
        catch (Exception exception)
        {
            content.Fail(exception);
            throw;
        }
    }

    public override ValueTask CompleteRequestAsync()
    {
        _content!.End();
        return default;
    }

    public override ResponseTail ReadTail()
    {
        HttpResponseHeaders trailers = _response!.TrailingHeaders;
        Status status = First(trailers, HeaderCodec.Status) is { } code
            ? HeaderCodec.ReadStatus(code, First(trailers, HeaderCodec.Message))
            : new Status(StatusCode.Internal, "the answer ended without grpc-status");
        return new ResponseTail(status, Read(trailers));
    }

    public override void Abort()
    {
        HttpResponseMessage? response;
        lock (_gate)
        {
            _aborted = true;
            response = _response;
        }

        response?.Dispose();
        _content?.Fail(new OperationCanceledException("the call was given up"));
    }

    public override void Release()
    {
        _content?.End();
        _reader?.Complete();
        _response?.Dispose();
    }

    private static bool IsGrpc(string mediaType) =>
        mediaType.StartsWith(HeaderCodec.ContentType, StringComparison.OrdinalIgnoreCase)
        && (mediaType.Length == HeaderCodec.ContentType.Length || mediaType[HeaderCodec.ContentType.Length] == '+');

    private static string? First(HttpHeaders headers, string name)
    {
        if (!headers.NonValidated.TryGetValues(name, out HeaderStringValues values))
            return null;
        foreach (string value in values)
            return value;
        return null;
    }

    private static Metadata Read(HttpHeaders headers)
    {
        var metadata = new Metadata();
        foreach (KeyValuePair<string, HeaderStringValues> header in headers.NonValidated)
            foreach (string value in header.Value)
                HeaderCodec.Add(metadata, header.Key, value);
        return metadata;
    }

    private PeerRequest Request(RequestHead head, GrpcRequestContent content)
    {
        var request = new PeerRequest(new Uri(_endpoint.Origin + head.Path), _endpoint)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        request.Headers.Host = _endpoint.Authority;
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation(HeaderCodec.AcceptEncoding, HeaderCodec.Identity);
        if (_purpose == ConnectionClass.Bulk)
            request.Headers.TryAddWithoutValidation(HeaderCodec.Purpose, HeaderCodec.BulkPurpose);
        if (head.Timeout is { } timeout)
            request.Headers.TryAddWithoutValidation(HeaderCodec.Timeout, TimeoutText.Encode(timeout));
        foreach (Metadata.Entry entry in head.Headers)
            if (!HeaderCodec.IsReserved(entry.Key))
                request.Headers.TryAddWithoutValidation(entry.Key, HeaderCodec.Value(entry));
        return request;
    }

    private void Keep(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_aborted)
            {
                _response = response;
                return;
            }
        }

        response.Dispose();
        throw new OperationCanceledException(cancellationToken);
    }
}
