using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Mpi.Model;

namespace Mpi.Cli.Tests;

public sealed class ImageArchiveTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly ScratchRoot _root = ScratchRoot.Cerit();

    public void Dispose()
    {
        File.Delete(_file);
        _root.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_docker_save_wrote_is_checked_with_the_images_own_user_and_path(bool compressed)
    {
        WriteDocker(compressed, """{"config": {"User": "1000:1000", "Env": ["PATH=/opt/mpi/bin:/usr/bin", "A=b"]}}""", Layer(_root.Folder));
        var files = ImageArchive.Read(_file);
        Assert.Equal(("1000:1000", "/opt/mpi/bin:/usr/bin"), (files.ImageUser, files.SearchPath));
        Assert.Empty(Check(files).Findings);
    }

    [Fact]
    public void A_later_layer_takes_away_and_lays_over()
    {
        using var second = new ScratchRoot().Text("/etc/ssh/.wh.ssh_config", "").Text("/etc/ssh/sshd_config", "Port 22\n").Text("/home/.wh..wh..opq", "").Folders("/home/other");
        WriteDocker(compressed: false, "{}", Layer(_root.Folder), Layer(second.Folder));
        var files = ImageArchive.Read(_file);
        Assert.Null(files.Find("/etc/ssh/ssh_config"));
        Assert.Equal(["Port 22", ""], files.Lines("/etc/ssh/sshd_config"));
        Assert.Equal(["other"], files.Names("/home"));
        Assert.NotNull(files.Find("/bin/sh"));
    }

    [Fact]
    public void An_oci_archive_is_read_through_its_index()
    {
        using (var archive = new TarWriter(File.Create(_file)))
        {
            Write(archive, "oci-layout", """{"imageLayoutVersion": "1.0.0"}""");
            Write(archive, "index.json", """{"manifests": [{"digest": "sha256:outer"}]}""");
            Write(archive, "blobs/sha256/outer", """{"manifests": [{"digest": "sha256:arm", "platform": {"architecture": "arm64"}}, {"digest": "sha256:manifest", "platform": {"architecture": "amd64"}}]}""");
            Write(archive, "blobs/sha256/manifest", """{"config": {"digest": "sha256:config"}, "layers": [{"digest": "sha256:layer"}]}""");
            Write(archive, "blobs/sha256/config", "{}");
            Write(archive, "blobs/sha256/layer", Layer(_root.Folder));
        }

        Assert.Empty(Check(ImageArchive.Read(_file)).Findings);
    }

    [Fact]
    public void A_root_file_system_that_docker_export_wrote_is_read_as_it_is()
    {
        File.WriteAllBytes(_file, Layer(_root.Folder));
        Assert.Empty(Check(ImageArchive.Read(_file)).Findings);
    }

    [Fact]
    public void Owners_count_where_an_archive_tells_them()
    {
        var key = new PaxTarEntry(TarEntryType.RegularFile, "etc/ssh/ssh_host_rsa_key") { Uid = 1000, Mode = UnixFileMode.UserRead, DataStream = new MemoryStream("KEY"u8.ToArray()) };
        _root.Replace("/etc/ssh/sshd_config", "HostKey ~/.ssh/id_rsa", "");
        WriteDocker(compressed: false, "{}", Layer(_root.Folder, key));
        Assert.Empty(Check(ImageArchive.Read(_file)).Findings);
        key.Uid = 0;
        key.DataStream = new MemoryStream("KEY"u8.ToArray());
        WriteDocker(compressed: false, "{}", Layer(_root.Folder, key));
        Assert.Single(Check(ImageArchive.Read(_file)).Findings);
    }

    [Fact]
    public void What_cannot_be_read_says_why()
    {
        File.WriteAllText(_file, "no archive at all, and longer than nothing");
        Assert.Throws<InvalidDataException>(() => ImageArchive.Read(_file));
        File.WriteAllBytes(_file, [0x1f, 0x8b, 8, 0]);
        Assert.Contains("compressed", Assert.Throws<InvalidDataException>(() => ImageArchive.Read(_file)).Message, StringComparison.Ordinal);
        WriteDocker(compressed: false, "{}", [0x28, 0xb5, 0x2f, 0xfd, 0]);
        Assert.Contains("zstd", Assert.Throws<InvalidDataException>(() => ImageArchive.Read(_file)).Message, StringComparison.Ordinal);
    }

    private static ImageReport Check(RootFiles files) => ImageContract.Check(files, new ImageQuestion(Transport.Ssh, "user"));

    private void WriteDocker(bool compressed, string config, params byte[][] layers)
    {
        using var archive = new TarWriter(File.Create(_file));
        for (var i = 0; i < layers.Length; i++) Write(archive, $"layer{i}.tar", compressed ? Zip(layers[i]) : layers[i]);
        Write(archive, "config.json", config);
        Write(archive, "manifest.json", $$"""[{"Config": "config.json", "Layers": [{{string.Join(',', layers.Select(static (_, i) => $"\"layer{i}.tar\""))}}]}]""");
    }

    private static byte[] Layer(string folder, params ReadOnlySpan<TarEntry> more)
    {
        using var layer = new MemoryStream();
        using (var writer = new TarWriter(layer, leaveOpen: true))
        {
            Add(writer, new DirectoryInfo(folder), "");
            foreach (var entry in more) writer.WriteEntry(entry);
        }

        return layer.ToArray();
    }

    /// <summary>TarFile.CreateFromDirectory passes over what begins with a dot.</summary>
    private static void Add(TarWriter writer, DirectoryInfo folder, string prefix)
    {
        foreach (var item in folder.EnumerateFileSystemInfos())
        {
            writer.WriteEntry(item.FullName, prefix + item.Name);
            if (item is DirectoryInfo { LinkTarget: null } inner) Add(writer, inner, $"{prefix}{item.Name}/");
        }
    }

    private static byte[] Zip(byte[] plain)
    {
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest)) zip.Write(plain);
        return packed.ToArray();
    }

    private static void Write(TarWriter archive, string name, string text) => Write(archive, name, Encoding.UTF8.GetBytes(text));

    private static void Write(TarWriter archive, string name, byte[] bytes) => archive.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
}
