namespace Kube.Client;

internal static class ResponseBody
{
    /// <exception cref="HttpRequestException">The body is longer than the limit, or broke off.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContent content, long bytesMax, CancellationToken cancellation)
    {
        if (content.Headers.ContentLength is { } announced && announced > bytesMax) throw TooLong(bytesMax);
        await using var stream = await content.ReadAsStreamAsync(cancellation);
        // One byte more than announced, so that the read that finds the end does not make the buffer grow.
        var buffer = new byte[(content.Headers.ContentLength ?? 4095) + 1];
        var length = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancellation);
            if (read == 0) return buffer.AsMemory(0, length);
            length += read;
            if (length > bytesMax) throw TooLong(bytesMax);
            if (length == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, buffer.Length * 2L));
        }
    }

    private static HttpRequestException TooLong(long bytesMax) => new(
        HttpRequestError.ConfigurationLimitExceeded, $"the answer is longer than the limit of {bytesMax} bytes");
}
