using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Kube.Types;

namespace Mpi.Cli;

/// <summary>
/// An image in a tar archive, as <c>docker save</c>, <c>podman save</c> and <c>skopeo copy … oci-archive:</c> write it; a plain archive of a root file
/// system (<c>docker export</c>) too. Layers are looked through once and nothing is unpacked.
/// </summary>
public sealed class ImageArchive : RootFiles
{
    private const string Whiteout = ".wh.";
    private const string OpaqueFolder = ".wh..wh..opq";

    /// <summary>The OCI image index names other documents; real ones do so once or twice.</summary>
    private const int IndexDepthMax = 4;

    /// <summary>Of files whose text may be asked for: accounts and settings are small.</summary>
    private const int KeptTextMax = 64 * 1024;

    private readonly SortedDictionary<string, (RootFile File, string? Text)> _files = new(StringComparer.Ordinal) { ["/"] = (new RootFile("/", RootFileType.Folder, (UnixFileMode)0b111_101_101, 0, null), null) };
    private readonly JsonElement _config;

    private ImageArchive(JsonElement config) => _config = config;

    public override string ImageUser => _config.Text("config", "User") ?? "";

    public override string SearchPath =>
        _config.Words("config", "Env").FirstOrDefault(static e => e.StartsWith("PATH=", StringComparison.Ordinal)) is { } path ? path["PATH=".Length..] : base.SearchPath;

    /// <exception cref="InvalidDataException">The file is no such archive, or one of a form that is not read; the message says which.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ImageArchive Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (IsCompressed(stream)) throw new InvalidDataException("the archive as a whole is compressed; unpack it first (gunzip)");
        var members = Members(stream);
        if (members.TryGetValue("manifest.json", out var docker) && Json(docker) is { ValueKind: JsonValueKind.Array } images)
        {
            var image = images.EnumerateArray().FirstOrDefault();
            return Of(members, image.Text("Config") ?? "", image.Words("Layers"));
        }

        if (members.TryGetValue("index.json", out var index)) return OfOci(members, Json(index), 0);
        var plain = new ImageArchive(default);
        stream.Position = 0;
        plain.Take(stream);
        return plain;
    }

    protected override RootFile? Look(string path) => _files.TryGetValue(path, out var found) ? found.File : null;

    protected override string Text(RootFile file) => _files[file.Path].Text ?? "";

    protected override IEnumerable<string> NamesIn(RootFile folder)
    {
        var prefix = folder.Path == "/" ? "/" : $"{folder.Path}/";
        return _files.Keys.Where(path => path.Length > prefix.Length && path.StartsWith(prefix, StringComparison.Ordinal) && path.IndexOf('/', prefix.Length) < 0).Select(path => path[prefix.Length..]);
    }

    private static ImageArchive OfOci(Dictionary<string, Stream> members, JsonElement index, int depth)
    {
        // An index of platforms leads to indexes or to the image's manifest; attestations stand beside it as platform "unknown".
        var chosen = index.Items("manifests").FirstOrDefault(static m => m.Text("platform", "architecture") is null or "amd64");
        if (chosen.ValueKind != JsonValueKind.Object || depth == IndexDepthMax) throw new InvalidDataException("the archive's index.json names no image for amd64");
        var document = Json(Blob(members, chosen.Text("digest") ?? ""));
        if (document.Has("manifests")) return OfOci(members, document, depth + 1);
        return Of(members, BlobName(document.Text("config", "digest") ?? ""), document.Items("layers").Select(static l => BlobName(l.Text("digest") ?? "")));
    }

    private static ImageArchive Of(Dictionary<string, Stream> members, string config, IEnumerable<string> layers)
    {
        var archive = new ImageArchive(Json(Member(members, config)));
        foreach (var layer in layers)
        {
            var stream = Member(members, layer);
            stream.Position = 0;
            archive.Take(Plain(stream));
        }

        return archive;
    }

    /// <summary>Lays one layer over what is there.</summary>
    private void Take(Stream layer)
    {
        using var reader = new TarReader(layer, leaveOpen: true);
        var made = new HashSet<string>(StringComparer.Ordinal);
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.EntryType is TarEntryType.GlobalExtendedAttributes) continue;
            var path = "/" + string.Join('/', entry.Name.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(static s => s is not ("." or "..")));
            var name = path[(path.LastIndexOf('/') + 1)..];
            var folder = path[..path.LastIndexOf('/')];
            if (name == OpaqueFolder) Remove($"{folder}/", made);
            else if (name.StartsWith(Whiteout, StringComparison.Ordinal)) Remove($"{folder}/{name[Whiteout.Length..]}", made);
            else
            {
                made.Add(path);
                _files[path] = Entry(path, entry);
            }
        }
    }

    /// <summary>Takes away what earlier layers brought: an object with all below it, or with a slash at its end only what is below.</summary>
    private void Remove(string path, HashSet<string> made)
    {
        var below = path.EndsWith('/') ? path : $"{path}/";
        foreach (var gone in _files.Keys.Where(p => (p == path || p.StartsWith(below, StringComparison.Ordinal)) && !made.Contains(p)).ToList()) _files.Remove(gone);
    }

    private (RootFile File, string? Text) Entry(string path, TarEntry entry)
    {
        if (entry.EntryType == TarEntryType.HardLink)
        {
            var target = "/" + entry.LinkName.TrimStart('.', '/');
            return _files.TryGetValue(target, out var same) ? (same.File with { Path = path }, same.Text) : (new RootFile(path, RootFileType.Other, entry.Mode, entry.Uid, null), null);
        }

        var type = entry.EntryType switch
        {
            TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile => RootFileType.File,
            TarEntryType.Directory => RootFileType.Folder,
            TarEntryType.SymbolicLink => RootFileType.Link,
            _ => RootFileType.Other,
        };
        var text = type == RootFileType.File && entry is { Length: > 0 and <= KeptTextMax, DataStream: { } data } && MayBeAskedFor(path) ? ReadText(data) : null;
        return (new RootFile(path, type, entry.Mode, entry.Uid, type == RootFileType.Link ? entry.LinkName : null), text);
    }

    /// <summary>Accounts and settings; nobody asks for the text of programs.</summary>
    private static bool MayBeAskedFor(string path) => path.StartsWith("/etc/", StringComparison.Ordinal) || path.StartsWith("/home/", StringComparison.Ordinal) || path.StartsWith("/root/", StringComparison.Ordinal) || path.Contains("ssh", StringComparison.Ordinal);

    private static string ReadText(Stream data)
    {
        using var reader = new StreamReader(data, Encoding.UTF8, leaveOpen: true);
        return reader.ReadToEnd();
    }

    /// <summary>The archive's own members, which can be read later and in any order.</summary>
    private static Dictionary<string, Stream> Members(FileStream stream)
    {
        var members = new Dictionary<string, Stream>(StringComparer.Ordinal);
        using var reader = new TarReader(stream, leaveOpen: true);
        try
        {
            while (reader.GetNextEntry() is { } entry)
            {
                var name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (entry.DataStream is { } data) members[name] = data;
                // An older docker save writes a layer that stands twice as a link to the first.
                else if (entry.EntryType == TarEntryType.SymbolicLink && members.TryGetValue(entry.LinkName.TrimStart('.', '/'), out var same)) members[name] = same;
            }
        }
        catch (Exception broken) when (broken is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new InvalidDataException($"this is no tar archive, or a broken one: {broken.Message}", broken);
        }

        return members.Count > 0 ? members : throw new InvalidDataException("the archive holds no file");
    }

    private static Stream Plain(Stream layer)
    {
        Span<byte> magic = stackalloc byte[4];
        var read = layer.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        layer.Position = 0;
        if (read >= 2 && magic[..2].SequenceEqual<byte>([0x1f, 0x8b])) return new GZipStream(layer, CompressionMode.Decompress, leaveOpen: true);
        return magic.SequenceEqual<byte>([0x28, 0xb5, 0x2f, 0xfd]) ? throw new InvalidDataException("a layer is compressed by zstd, which is not read here; docker save writes layers that are") : layer;
    }

    private static bool IsCompressed(FileStream stream)
    {
        var compressed = stream.ReadByte() == 0x1f && stream.ReadByte() == 0x8b;
        stream.Position = 0;
        return compressed;
    }

    private static string BlobName(string digest) => $"blobs/{digest.Replace(':', '/')}";

    private static Stream Blob(Dictionary<string, Stream> members, string digest) => Member(members, BlobName(digest));

    private static Stream Member(Dictionary<string, Stream> members, string name) =>
        members.TryGetValue(name, out var stream) ? stream : throw new InvalidDataException($"the archive names {name} and does not hold it");

    private static JsonElement Json(Stream document)
    {
        try
        {
            document.Position = 0;
            using var buffer = new MemoryStream();
            document.CopyTo(buffer);
            return JsonElement.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length), JsonLimits.Options);
        }
        catch (JsonException broken)
        {
            throw new InvalidDataException($"a document of the archive is no JSON: {broken.Message}", broken);
        }
    }
}
